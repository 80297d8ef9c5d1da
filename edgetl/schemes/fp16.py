"""16-bit floating point weights (and arithmetic, where the runtime has it)."""

from __future__ import annotations

from edgetl.schemes._base import Needs

TITLE = "Half precision: half the size, on a GPU or Neural Engine also faster."
WEIGHT_BITS = 16
ACTIVATION_BITS = 16
ARITHMETIC = ("float32", "float32")
NEEDS: Needs = "nothing"
