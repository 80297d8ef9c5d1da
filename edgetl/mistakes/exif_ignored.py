"""The EXIF orientation is ignored: photos taken upright with a phone lie on their side."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from edgetl.mistakes._base import Given, Stage

if TYPE_CHECKING:
    from PIL.Image import Image

TITLE = "The photo is not turned as its EXIF orientation says."
STAGE: Stage = "decode"
REMEDY = "Turn and mirror the decoded photo by its EXIF orientation (Android: ExifInterface; iOS: UIImage.imageOrientation)."


def ways(given: Given) -> dict[str, Callable[..., Any]]:
    """See `MistakeModule.ways`."""
    return {"": _decode}


def _decode(data: bytes) -> Image:
    from edgetl.preprocess import decode

    return decode(data, upright=False)
