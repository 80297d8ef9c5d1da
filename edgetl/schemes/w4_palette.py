"""Each weight is one of 16 values chosen for its layer by k-means, stored as a 4-bit index; arithmetic in half precision."""

from __future__ import annotations

from edgetl.schemes._base import Needs

TITLE = "4-bit indices into a palette of 16 weights a layer (Core ML)."
WEIGHT_BITS = 4
ACTIVATION_BITS = 16
ARITHMETIC = ("float32", "float32")
NEEDS: Needs = "nothing"
