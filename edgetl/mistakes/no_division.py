"""Bytes are given as they are, 0 to 255, where small numbers are wanted."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from edgetl.mistakes._base import Given, Stage

if TYPE_CHECKING:
    import numpy as np

TITLE = "Values from 0 to 255 are given: the division is missing."
STAGE: Stage = "values"
REMEDY = "Compute (value - mean) / std with the constants of preprocess.json."


def ways(given: Given) -> dict[str, Callable[..., Any]]:
    """See `MistakeModule.ways`: an image input needs no division."""
    if given.dtype == "image" or given.preprocess.input_range[1] > 100:
        return {}

    def values(pixels: np.ndarray) -> np.ndarray:
        return given.store(pixels.astype(float))

    return {"": values}
