"""The whole photo is kept, with bars on two sides."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from edgetl.mistakes._base import Given, Stage

if TYPE_CHECKING:
    import numpy as np
    from PIL.Image import Image

    from edgetl.types import Preprocess

TITLE = "The whole photo is shrunk into the square, with bars on two sides."
STAGE: Stage = "resize"
REMEDY = "Resize the shorter side, not the longer one, then cut out the centre; no bars."


def ways(given: Given) -> dict[str, Callable[..., Any]]:
    """See `MistakeModule.ways`: the colour of the bars."""
    return {"black": _with(0), "grey": _with(114)}


def _with(grey: int) -> Callable[..., Any]:
    def resize(image: Image, preprocess: Preprocess) -> np.ndarray:
        import numpy as np
        from PIL.Image import Resampling

        side, longer = preprocess.crop_px, max(image.size)
        width, height = (max(1, round(length * side / longer)) for length in image.size)
        inner = np.asarray(image.resize((width, height), Resampling[preprocess.interpolation.upper()]))
        found = np.full((side, side, 3), grey, np.uint8)
        top, left = (side - height) // 2, (side - width) // 2
        found[top : top + height, left : left + width] = inner
        return found

    return resize
