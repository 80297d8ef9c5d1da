"""32-bit floating point: the file that all others are compared with."""

from __future__ import annotations

from edgetl.schemes._base import Needs

TITLE = "Single precision throughout; the reference."
WEIGHT_BITS = 32
ACTIVATION_BITS = 32
ARITHMETIC = ("float32", "float32")
NEEDS: Needs = "nothing"
