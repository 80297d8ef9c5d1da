"""Weight clustering: each large kernel has sixteen distinct values, which training moves; arithmetic in single precision."""

from __future__ import annotations

from typing import Any

from edgetl.schemes._base import Needs

TITLE = "Single precision, sixteen values a kernel: smaller to download."
WEIGHT_BITS = 32
ACTIVATION_BITS = 32
ARITHMETIC = ("float32", "float32")
NEEDS: Needs = "training"
VALUES = 16
"""Most distinct values in an output channel of each kernel that `edgetl.nn.constraints` holds."""


def constraint() -> Any:
    """Return the constraint of the weights: few distinct values in each kernel."""
    from edgetl.nn.constraints import Clusters

    return Clusters(VALUES)
