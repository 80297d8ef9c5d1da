"""The values are twice, or half, as large as they should be."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from edgetl.mistakes._base import Given, Stage

if TYPE_CHECKING:
    import numpy as np

TITLE = "The values are twice or half as large as they should be."
STAGE: Stage = "values"
REMEDY = "Divide by the std of preprocess.json; of an integer input, use the file's own scale."


def ways(given: Given) -> dict[str, Callable[..., Any]]:
    """See `MistakeModule.ways`."""
    return {} if given.dtype == "image" else {"doubled": _times(given, 2.0), "halved": _times(given, 0.5)}


def _times(given: Given, factor: float) -> Callable[..., Any]:
    def values(pixels: np.ndarray) -> np.ndarray:
        from edgetl.preprocess import normalise

        return given.store(normalise(pixels, given.preprocess) * factor)

    return values
