"""The range 0 to 1 where -1 to 1 is right, or the reverse."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from edgetl.mistakes._base import Given, Stage

if TYPE_CHECKING:
    import numpy as np

TITLE = "The values have another range: 0 to 1 where -1 to 1 is right, or the reverse."
STAGE: Stage = "values"
REMEDY = "Compute (value - mean) / std with the constants of preprocess.json."
_RANGES = {"0 to 1": (0.0, 255.0), "-1 to 1": (127.5, 127.5)}
"""What is subtracted, and what the difference is divided by."""


def ways(given: Given) -> dict[str, Callable[..., Any]]:
    """See `MistakeModule.ways`: the ranges that are not the right one."""
    if given.dtype == "image":
        return {}
    low, high = given.preprocess.input_range
    return {
        name: _by(given, mean, std)
        for name, (mean, std) in _RANGES.items()
        if abs(-mean / std - low) + abs((255.0 - mean) / std - high) > 0.1
    }


def _by(given: Given, mean: float, std: float) -> Callable[..., Any]:
    def values(pixels: np.ndarray) -> np.ndarray:
        return given.store((pixels.astype(float) - mean) / std)

    return values
