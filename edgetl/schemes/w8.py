"""Weights only: int8 per channel, arithmetic in floating point. A quarter of the size at nearly the float accuracy, no faster."""

from __future__ import annotations

from edgetl.schemes._base import Needs

TITLE = "8-bit weights, arithmetic in floating point: a quarter of the size, needs no images."
WEIGHT_BITS = 8
ACTIVATION_BITS = 32
ARITHMETIC = ("float32", "float32")
NEEDS: Needs = "nothing"
