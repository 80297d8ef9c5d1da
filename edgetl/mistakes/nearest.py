"""The photo is resized by taking the nearest pixel, which leaves out most of a large photo."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from edgetl.mistakes._base import Given, Stage

if TYPE_CHECKING:
    import numpy as np
    from PIL.Image import Image

    from edgetl.types import Preprocess

TITLE = "The photo is resized by the nearest pixel."
STAGE: Stage = "resize"
REMEDY = "Resize with a filter that averages all the pixels it shrinks (Pillow's, or tf.image.resize with antialias=True)."


def ways(given: Given) -> dict[str, Callable[..., Any]]:
    """See `MistakeModule.ways`: nearest to the pixel's centre (Pillow, OpenCV), or to its corner (TensorFlow 1, many loops)."""
    if given.preprocess.interpolation == "nearest":
        return {}
    return {"centre": lambda image, preprocess: _nearest(image, preprocess, 0.5), "corner": _corner}


def _corner(image: Image, preprocess: Preprocess) -> np.ndarray:
    return _nearest(image, preprocess, 0.0)


def _nearest(image: Image, preprocess: Preprocess, offset: float) -> np.ndarray:
    import numpy as np

    from edgetl.mistakes._base import cut, goal

    pixels, (width, height) = np.asarray(image), goal(image, preprocess)
    rows = np.minimum(((np.arange(height) + offset) * pixels.shape[0] / height).astype(int), pixels.shape[0] - 1)
    columns = np.minimum(((np.arange(width) + offset) * pixels.shape[1] / width).astype(int), pixels.shape[1] - 1)
    return cut(pixels[rows][:, columns], preprocess)
