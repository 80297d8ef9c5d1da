"""The values are scaled twice: once by a library or a layer, once by hand."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from edgetl.mistakes._base import Given, Stage

if TYPE_CHECKING:
    import numpy as np

TITLE = "The values are scaled twice: what is left is nearly one colour."
STAGE: Stage = "values"
REMEDY = "Scale once: a library that gives 0 to 1, or the file itself, has done it already."


def ways(given: Given) -> dict[str, Callable[..., Any]]:
    """See `MistakeModule.ways`: the right step on values of 0 to 1, or twice."""
    if given.dtype == "image":
        return {}
    mean, std = given.preprocess.mean, given.preprocess.std

    def after_255(pixels: np.ndarray) -> np.ndarray:
        return given.store((pixels.astype(float) / 255.0 - mean) / std)

    def twice(pixels: np.ndarray) -> np.ndarray:
        return given.store(((pixels.astype(float) - mean) / std - mean) / std)

    return {"after / 255": after_255, "twice": twice}
