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
    """See `MistakeModule.ways`."""
    return {"": _area}


def _area(image: Image, preprocess: Preprocess) -> np.ndarray:
    import numpy as np
    from PIL.Image import Resampling

    from edgetl.mistakes._base import cut, goal

    return cut(np.asarray(image.resize(goal(image, preprocess), Resampling.BOX)), preprocess)
