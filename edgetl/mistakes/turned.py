"""Every picture is turned or mirrored: a camera's sensor lies on its side, and a front camera's preview is mirrored."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from edgetl.mistakes._base import Given, Stage

if TYPE_CHECKING:
    import numpy as np

TITLE = "Every picture is turned or mirrored the same way."
STAGE: Stage = "pixels"
REMEDY = "Turn the camera's frame by its rotation (Android: ImageProxy.imageInfo.rotationDegrees), and do not mirror it."


def ways(given: Given) -> dict[str, Callable[..., Any]]:
    """See `MistakeModule.ways`."""
    return {"90° clockwise": _turn(3), "180°": _turn(2), "90° anticlockwise": _turn(1), "mirrored": _mirror}


def _turn(quarters: int) -> Callable[..., Any]:
    def turn(pixels: np.ndarray) -> np.ndarray:
        import numpy as np

        return np.rot90(pixels, quarters)

    return turn


def _mirror(pixels: np.ndarray) -> np.ndarray:
    return pixels[:, ::-1]
