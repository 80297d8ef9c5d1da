"""How much a sound app's pixels may differ: the same photo through other decoders and another resizer, all of them right.

Decoders of JPEG differ by a level or two: the standard leaves the rounding of the inverse transform and the way to enlarge
the colour planes open. Resizers differ by where they round.
"""

from __future__ import annotations

import functools
import io
import warnings
from typing import Any

import numpy as np
from PIL import Image, ImageOps

from edgetl.preprocess import FORMATS, decode, fit
from edgetl.quiet import quiet
from edgetl.types import Preprocess

_ORIENTATION = 0x0112
_DECODERS: dict[str, dict[str, object]] = {
    "jpeg_fast_transform": {"dct_method": "INTEGER_FAST"},
    "jpeg_plain_colour": {"dct_method": "INTEGER_ACCURATE", "fancy_upscaling": False},
}
"""Options of tf.io.decode_jpeg, which is libjpeg-turbo."""
_ALL: dict[str, object] = {"dct_method": "INTEGER_FAST", "fancy_upscaling": False}


def variants(data: bytes, preprocess: Preprocess) -> dict[str, np.ndarray]:
    """Prepare a photo by other sound means.

    Args:
        data: its bytes; `edgetl.preprocess` can use it.
        preprocess: the sizes.

    Returns:
        Name of the means → uint8 (px, px, 3). `exact_resize`: one rounding at the end instead of Pillow's two; for JPEG,
        `jpeg_fast_transform`, `jpeg_plain_colour`, and all three together.
    """
    found = {}
    if preprocess.interpolation != "nearest":
        found["exact_resize"] = _exact(decode(data), preprocess)
    for name, options in _DECODERS.items():
        image = _by_tensorflow(data, options)
        if image is not None:
            found[name] = fit(image, preprocess)
    if "exact_resize" in found and len(found) > 1 and (image := _by_tensorflow(data, _ALL)) is not None:
        found["jpeg_both_and_exact_resize"] = _exact(image, preprocess)
    return found


def _by_tensorflow(data: bytes, options: dict[str, object]) -> Image.Image | None:
    """Decode a JPEG of three channels by TensorFlow and turn it upright; None where it is none."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        header = Image.open(io.BytesIO(data), formats=FORMATS)
    if header.format not in ("JPEG", "MPO") or header.mode != "RGB":
        return None
    tf = _tensorflow()

    try:
        image = Image.fromarray(tf.io.decode_jpeg(data, channels=3, **options).numpy())
    except tf.errors.InvalidArgumentError:  # Pillow reads some damaged files that it refuses
        return None
    try:
        image.getexif()[_ORIENTATION] = header.getexif().get(_ORIENTATION, 1)
        return ImageOps.exif_transpose(image)
    except Exception:  # noqa: BLE001 - damaged EXIF counts as none, as in `edgetl.preprocess`
        return image


@functools.cache
def _tensorflow() -> Any:
    """TensorFlow, without its greetings."""
    with quiet():
        import tensorflow as tf

        tf.zeros(1)  # it says more when it first computes
    return tf


def _exact(image: Image.Image, preprocess: Preprocess) -> np.ndarray:
    """Resize with the filter's exact weights, rounding once; crop as `edgetl.preprocess.fit`."""
    width, height = image.size
    shorter, side = min(width, height), preprocess.crop_px
    new_width, new_height = ((2 * s * preprocess.resize_px + shorter) // (2 * shorter) for s in (width, height))
    down, across = (_weights(o, n, preprocess.interpolation) for o, n in ((height, new_height), (width, new_width)))
    upper, left = (new_height - side) // 2, (new_width - side) // 2
    rows = np.tensordot(down[upper : upper + side], np.asarray(image, np.float32), (1, 0))
    found = np.tensordot(across[left : left + side], rows, (1, 1)).transpose(1, 0, 2)
    return np.clip(np.rint(found), 0, 255).astype(np.uint8)


@functools.lru_cache(maxsize=8)
def _weights(old: int, new: int, interpolation: str) -> np.ndarray:
    """Share of each old pixel in each new one; float32 (new, old).

    Source: Pillow's Resample.c: the filter is stretched by the factor of shrinking, weights sum to 1; bicubic has a = -0.5.
    """
    scale = old / new
    stretch = max(scale, 1.0)
    centres = (np.arange(new) + 0.5) * scale
    away = np.abs((np.arange(old) + 0.5)[None] - centres[:, None]) / stretch
    if interpolation == "bilinear":
        found = np.maximum(1.0 - away, 0.0)
    else:
        near, far = (1.5 * away - 2.5) * away**2 + 1.0, ((-0.5 * away + 2.5) * away - 4.0) * away + 2.0
        found = np.where(away < 1.0, near, np.where(away < 2.0, far, 0.0))
    weights: np.ndarray = (found / found.sum(axis=1, keepdims=True)).astype(np.float32)
    return weights
