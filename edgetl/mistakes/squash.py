"""The whole photo is squashed into the square instead of cropped."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from edgetl.mistakes._base import Given, Stage

if TYPE_CHECKING:
    import numpy as np
    from PIL.Image import Image

    from edgetl.types import Preprocess

TITLE = "The whole photo is squashed into the square; nothing is cropped."
STAGE: Stage = "resize"
REMEDY = "Keep the proportions: resize the shorter side, then cut out the centre."


def ways(given: Given) -> dict[str, Callable[..., Any]]:
    """See `MistakeModule.ways`."""
    return {"": _squash}


def _squash(image: Image, preprocess: Preprocess) -> np.ndarray:
    import numpy as np
    from PIL.Image import Resampling

    side = preprocess.crop_px
    return np.asarray(image.resize((side, side), Resampling[preprocess.interpolation.upper()]))
