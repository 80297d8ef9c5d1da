"""2:4 sparsity: of every four weights along the input channels two are zero, a pattern that sparse matrix units skip."""

from __future__ import annotations

from typing import Any

from edgetl.schemes._base import Needs

TITLE = "Single precision, two of every four weights zero."
WEIGHT_BITS = 32
ACTIVATION_BITS = 32
ARITHMETIC = ("float32", "float32")
NEEDS: Needs = "training"
ZEROS_OF_FOUR = 2
"""Least number of zeros in each four consecutive weights along the input channels."""


def constraint() -> Any:
    """Return the constraint of the weights: two of every four are zero."""
    from edgetl.nn.constraints import TwoOfFour

    return TwoOfFour()
