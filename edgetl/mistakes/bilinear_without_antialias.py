"""The photo is shrunk by mixing four pixels, whatever the factor: what most "bilinear" scalers of phones do."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from edgetl.mistakes._base import Given, Stage

if TYPE_CHECKING:
    import numpy as np
    from PIL.Image import Image

    from edgetl.types import Preprocess

TITLE = "The photo is resized bilinearly without antialiasing: four pixels are mixed, all others left out."
STAGE: Stage = "resize"
REMEDY = "Resize with antialiasing (Pillow, tf.image.resize with antialias=True, vImage); Android's Bitmap scaling has none."


def ways(given: Given) -> dict[str, Callable[..., Any]]:
    """See `MistakeModule.ways`: pixel centres (OpenCV, Android), corners (TensorFlow 1), aligned corners."""
    return {name: _by(name) for name in ("centres", "corners", "aligned corners")}


def _by(name: str) -> Callable[..., Any]:
    def places(old: int, new: int) -> Any:
        """Two neighbours of each new pixel, and the share of the second."""
        import numpy as np

        if name == "aligned corners":
            at = np.arange(new) * ((old - 1) / max(new - 1, 1))
        else:
            half = 0.5 if name == "centres" else 0.0
            at = np.maximum((np.arange(new) + half) * old / new - half, 0.0)
        first = np.minimum(at.astype(int), old - 1)
        return first, np.minimum(first + 1, old - 1), at - first

    def resize(image: Image, preprocess: Preprocess) -> np.ndarray:
        import numpy as np

        from edgetl.mistakes._base import cut, goal

        pixels, (width, height) = np.asarray(image), goal(image, preprocess)
        upper, lower, down = places(pixels.shape[0], height)
        left, right, across = places(pixels.shape[1], width)
        across = across[None, :, None]
        above, below = (pixels[rows][:, left] * (1 - across) + pixels[rows][:, right] * across for rows in (upper, lower))
        mixed = above * (1 - down[:, None, None]) + below * down[:, None, None]
        return cut(np.rint(mixed).astype(np.uint8), preprocess)

    return resize
