"""Another square is cut out: not the centre, another share of the photo, or one that was never resized."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from edgetl.mistakes._base import Given, Stage

if TYPE_CHECKING:
    import numpy as np
    from PIL.Image import Image

    from edgetl.types import Preprocess

TITLE = "Another square is cut out of the photo: from its corner, without the margin, or without resizing first."
STAGE: Stage = "resize"
REMEDY = "Resize the shorter side to resize_px, then cut out the centre crop_px square, as preprocess.json says."


def ways(given: Given) -> dict[str, Callable[..., Any]]:
    """See `MistakeModule.ways`."""
    found: dict[str, Callable[..., Any]] = {"from the corner": _corner, "without resizing": _raw}
    if given.preprocess.resize_px != given.preprocess.crop_px:
        found["without the margin"] = _whole
    return found


def _corner(image: Image, preprocess: Preprocess) -> np.ndarray:
    import numpy as np
    from PIL.Image import Resampling

    from edgetl.mistakes._base import goal

    small = image.resize(goal(image, preprocess), Resampling[preprocess.interpolation.upper()])
    return np.asarray(small)[: preprocess.crop_px, : preprocess.crop_px]


def _raw(image: Image, preprocess: Preprocess) -> np.ndarray:
    import numpy as np

    side, (width, height) = preprocess.crop_px, image.size
    left, upper = (width - side) // 2, (height - side) // 2
    return np.asarray(image.crop((left, upper, left + side, upper + side)))  # black beyond the edge


def _whole(image: Image, preprocess: Preprocess) -> np.ndarray:
    import dataclasses

    from edgetl.preprocess import fit

    return fit(image, dataclasses.replace(preprocess, resize_px=preprocess.crop_px))
