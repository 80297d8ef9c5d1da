"""The photo is resized by averaging the area under each new pixel (a box)."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from edgetl.mistakes._base import Given, Stage

if TYPE_CHECKING:
    import numpy as np
    from PIL.Image import Image

    from edgetl.types import Preprocess

TITLE = "The photo is resized by the mean of the area under each pixel."
STAGE: Stage = "resize"
REMEDY = "Use the filter that preprocess.json names; an area (box) filter keeps more detail than it has."


def ways(given: Given) -> dict[str, Callable[..., Any]]:
    """See `MistakeModule.ways`: shares of pixels count (OpenCV, TensorFlow), or whole pixels only (Pillow's box)."""
    return {"": _area, "whole pixels": _box}


def _box(image: Image, preprocess: Preprocess) -> np.ndarray:
    import numpy as np
    from PIL.Image import Resampling

    from edgetl.mistakes._base import cut, goal

    return cut(np.asarray(image.resize(goal(image, preprocess), Resampling.BOX)), preprocess)


def _area(image: Image, preprocess: Preprocess) -> np.ndarray:
    import numpy as np

    from edgetl.mistakes._base import cut, goal

    width, height = goal(image, preprocess)
    rows = np.tensordot(_shares(image.height, height), np.asarray(image, np.float32), (1, 0))
    found = np.tensordot(_shares(image.width, width), rows, (1, 1)).transpose(1, 0, 2)
    return cut(np.clip(np.rint(found), 0, 255).astype(np.uint8), preprocess)


def _shares(old: int, new: int) -> np.ndarray:
    """Share of each new pixel that each old one covers; float32 (new, old)."""
    import numpy as np

    edges = np.arange(new + 1) * (old / new)
    pixels = np.arange(old)
    covered = np.minimum(edges[1:, None], pixels + 1) - np.maximum(edges[:-1, None], pixels)
    shares: np.ndarray = (np.maximum(covered, 0.0) * (new / old)).astype(np.float32)
    return shares
