"""Red and blue are swapped: OpenCV and some pixel buffers hold blue first."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from edgetl.mistakes._base import Given, Stage

if TYPE_CHECKING:
    import numpy as np

TITLE = "Red and blue are swapped (BGR)."
STAGE: Stage = "pixels"
REMEDY = "Give the channels in the order red, green, blue (OpenCV: cv2.COLOR_BGR2RGB; Android's ARGB ints: shift 16, 8, 0)."


def ways(given: Given) -> dict[str, Callable[..., Any]]:
    """See `MistakeModule.ways`."""
    return {"": _swap}


def _swap(pixels: np.ndarray) -> np.ndarray:
    return pixels[..., ::-1]
