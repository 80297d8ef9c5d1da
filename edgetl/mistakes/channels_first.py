"""The channels are laid out one after the other where they belong side by side, or the reverse."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from edgetl.mistakes._base import Given, Stage

if TYPE_CHECKING:
    import numpy as np

TITLE = "The buffer is filled channel by channel where the file reads pixel by pixel, or the reverse."
STAGE: Stage = "layout"
REMEDY = "Fill the buffer in the layout that golden.json and the manifest state for this file."


def ways(given: Given) -> dict[str, Callable[..., Any]]:
    """See `MistakeModule.ways`: an image input has no layout to mistake."""
    if given.dtype == "image":
        return {}
    return {"": _planes_as_pixels if given.layout == "NHWC" else _pixels_as_planes}


def _planes_as_pixels(values: np.ndarray) -> np.ndarray:
    return values.transpose(2, 0, 1).reshape(values.shape)


def _pixels_as_planes(values: np.ndarray) -> np.ndarray:
    return values.reshape(values.shape[2], *values.shape[:2]).transpose(1, 2, 0)
