"""An integer input is filled with the other sign, or with small floats that are cut to 0 and 1."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from edgetl.mistakes._base import Given, Stage

if TYPE_CHECKING:
    import numpy as np

TITLE = "Integers are given the other sign's way, or small floats are cut to integers."
STAGE: Stage = "values"
REMEDY = "A uint8 input takes the bytes as they are, an int8 input the bytes less 128."


def ways(given: Given) -> dict[str, Callable[..., Any]]:
    """See `MistakeModule.ways`: of integer inputs only."""
    if given.dtype not in ("uint8", "int8"):
        return {}
    import numpy as np

    kind = np.int8 if given.dtype == "int8" else np.uint8

    def other_sign(pixels: np.ndarray) -> np.ndarray:
        return pixels.view(np.int8) if kind is np.int8 else (pixels.astype(np.int16) - 128).astype(np.int8).view(np.uint8)

    def cut_from_0(pixels: np.ndarray) -> np.ndarray:
        return (pixels / 255.0).astype(kind)

    def cut(pixels: np.ndarray) -> np.ndarray:
        return ((pixels - 127.5) / 127.5).astype(np.int8).view(kind)

    return {"other sign": other_sign, "0 to 1 cut": cut_from_0, "-1 to 1 cut": cut}
