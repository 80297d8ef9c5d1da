"""Magnitude pruning: in each large kernel the smaller half of the weights is zero; arithmetic stays in single precision."""

from __future__ import annotations

from typing import Any

from edgetl.schemes._base import Needs

TITLE = "Single precision, half of the weights zero: smaller to download."
WEIGHT_BITS = 32
ACTIVATION_BITS = 32
ARITHMETIC = ("float32", "float32")
NEEDS: Needs = "training"
ZEROS = 0.5
"""Least share of zeros in each kernel that `edgetl.nn.constraints` holds."""


def constraint() -> Any:
    """Return the constraint of the weights: the smallest of each kernel are zero."""
    from edgetl.nn.constraints import Sparse

    return Sparse(ZEROS)
