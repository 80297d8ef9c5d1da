"""Rows and columns are swapped: the buffer is filled x first."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from edgetl.mistakes._base import Given, Stage

if TYPE_CHECKING:
    import numpy as np

TITLE = "Rows and columns are swapped: the picture is mirrored along its diagonal."
STAGE: Stage = "pixels"
REMEDY = "Fill the buffer row by row: for y, for x, for channel."


def ways(given: Given) -> dict[str, Callable[..., Any]]:
    """See `MistakeModule.ways`."""
    return {"": _swap}


def _swap(pixels: np.ndarray) -> np.ndarray:
    return pixels.swapaxes(0, 1)
