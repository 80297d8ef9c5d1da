"""What a mistake's module must define, and what it is told about the file that an app feeds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol

from edgetl.types import Preprocess

if TYPE_CHECKING:
    import numpy as np
    from PIL.Image import Image

Stage = Literal["decode", "resize", "pixels", "values", "layout", "labels"]
STAGES: tuple[Stage, ...] = ("decode", "resize", "pixels", "values", "layout", "labels")
"""In the order in which an app does them. What a way of each takes and returns:

- `decode`: bytes of a photo → Pillow image, RGB
- `resize`: Pillow image, `Preprocess` → uint8 (px, px, 3)
- `pixels`: uint8 (px, px, 3) → the same
- `values`: uint8 (px, px, 3) → (px, px, 3) of the input's type
- `layout`: (px, px, 3) as the app means it → (px, px, 3) as the file reads it
- `labels`: float32 (..., classes) as the file gives it → the same as the app names it
"""
InputType = Literal["float32", "uint8", "int8", "image"]
"""Type of a file's input; `image`: it takes a picture and prepares the values itself (Core ML)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """What decides how a mistake shows."""

    preprocess: Preprocess
    dtype: InputType
    layout: Literal["NHWC", "NCHW"]
    class_names: tuple[str, ...]

    def store(self, values: np.ndarray) -> np.ndarray:
        """Put real values into the input's type, as an app does that uses the file's scale and zero point.

        Args:
            values: float (px, px, 3), as a float input would take them.

        Returns:
            The same shape: float32; uint8 `values * std + mean`, int8 that less 128, rounded and clipped.
        """
        import numpy as np

        if self.dtype == "float32":
            return values.astype(np.float32)
        lowest, kind = (-128, np.int8) if self.dtype == "int8" else (0, np.uint8)
        levels = np.rint(values.astype(np.float64) * self.preprocess.std + self.preprocess.mean) + lowest
        stored: np.ndarray = np.clip(levels, lowest, lowest + 255).astype(kind)
        return stored


def goal(image: Image, preprocess: Preprocess) -> tuple[int, int]:
    """Width and height that a photo has when its shorter side is `resize_px`, as `edgetl.preprocess.fit` makes them."""
    shorter = min(image.size)
    width, height = ((2 * side * preprocess.resize_px + shorter) // (2 * shorter) for side in image.size)
    return width, height


def cut(pixels: np.ndarray, preprocess: Preprocess) -> np.ndarray:
    """Cut out the centre as `edgetl.preprocess.fit` does; uint8 (height, width, 3) → (crop_px, crop_px, 3)."""
    side = preprocess.crop_px
    upper, left = (pixels.shape[0] - side) // 2, (pixels.shape[1] - side) // 2
    return pixels[upper : upper + side, left : left + side]


class MistakeModule(Protocol):
    """The names a module in this folder defines. Constants are read-only."""

    @property
    def TITLE(self) -> str:
        """What the app does, one sentence, for `edgetl list` and reports."""

    @property
    def STAGE(self) -> Stage:
        """Which step it replaces (or follows: `pixels`, `layout`, `labels`)."""

    @property
    def REMEDY(self) -> str:
        """What to change in the app, one sentence."""

    def ways(self, given: Given) -> dict[str, Callable[..., Any]]:
        """How it can be made with this file: the way's name ("" where there is one) → what is done instead of the right step.

        Empty where the mistake cannot be made or changes nothing.
        """
