"""int8 weights, int16 activations: for networks that lose too much with 8-bit activations, where a DSP has 16 × 8 kernels."""

from __future__ import annotations

from edgetl.schemes._base import Needs

TITLE = "8-bit weights, 16-bit activations, ranges from calibration images."
WEIGHT_BITS = 8
ACTIVATION_BITS = 16
ARITHMETIC = ("int16", "int8")
NEEDS: Needs = "calibration"
