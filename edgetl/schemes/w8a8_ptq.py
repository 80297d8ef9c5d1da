"""Post-training quantization: int8 per channel for weights, int8 per tensor for activations."""

from __future__ import annotations

from edgetl.schemes._base import Needs

TITLE = "8-bit weights and activations, ranges from calibration images."
WEIGHT_BITS = 8
ACTIVATION_BITS = 8
NEEDS: Needs = "calibration"
