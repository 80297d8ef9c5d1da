"""The photo is resized by another filter with antialiasing than the network was trained with."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from edgetl.mistakes._base import Given, Stage

if TYPE_CHECKING:
    import numpy as np
    from PIL.Image import Image

    from edgetl.types import Preprocess

TITLE = "The photo is resized by another smooth filter (bicubic, Lanczos, bilinear)."
STAGE: Stage = "resize"
REMEDY = "Use the filter that preprocess.json names, with antialiasing."


def ways(given: Given) -> dict[str, Callable[..., Any]]:
    """See `MistakeModule.ways`."""
    return {name: _by(name) for name in ("bilinear", "bicubic", "lanczos") if name != given.preprocess.interpolation}


def _by(name: str) -> Callable[..., Any]:
    def resize(image: Image, preprocess: Preprocess) -> np.ndarray:
        import numpy as np
        from PIL.Image import Resampling

        from edgetl.mistakes._base import cut, goal

        return cut(np.asarray(image.resize(goal(image, preprocess), Resampling[name.upper()])), preprocess)

    return resize
