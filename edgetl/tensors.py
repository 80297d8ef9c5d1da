"""The buffer of a file's input: which values a right app fills it with, in which order, and at which places they are compared."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from edgetl.preprocess import normalise
from edgetl.types import Preprocess

if TYPE_CHECKING:
    import numpy as np

SAMPLES = 64
"""Values of a tensor that are compared one by one."""


def sample_at(side: int, layout: str) -> tuple[int, ...]:
    """Places of a tensor whose values are compared: 8 × 8 of the picture, the three channels in turn.

    Args:
        side: of the picture, in pixels.
        layout: `NHWC` (a picture too) or `NCHW`.

    Returns:
        Places in the flat buffer of one image, as a loop over its values counts them.
    """
    found = []
    for row in range(8):
        for column in range(8):
            y, x, channel = ((2 * row + 1) * side) // 16, ((2 * column + 1) * side) // 16, (row + column) % 3
            found.append((channel * side + y) * side + x if layout == "NCHW" else (y * side + x) * 3 + channel)
    return tuple(found)


def of_pixels(pixels: np.ndarray, dtype: str, preprocess: Preprocess) -> np.ndarray:
    """Turn pixels into what an input reads.

    Args:
        pixels: uint8 (px, px, 3).
        dtype: of the input: `float32`, `uint8`, `int8`; `image` where it takes a picture.
        preprocess: its mean and std are what is left to the app (`declared.left_for_app`).

    Returns:
        (px, px, 3) of the input's type, uint8 for a picture.
    """
    import numpy as np

    if dtype == "float32":
        return normalise(pixels, preprocess)
    return (pixels.astype(np.int16) - 128).astype(np.int8) if dtype == "int8" else pixels


def flat(values: np.ndarray, layout: str) -> np.ndarray:
    """Lay the values of an input out as they lie in its buffer; (px, px, 3) → (3 px²,)."""
    import numpy as np

    return np.ascontiguousarray(values.transpose(2, 0, 1) if layout == "NCHW" else values).reshape(-1)


def buffer_bytes(values: np.ndarray, layout: str) -> bytes:
    """Give the bytes of an input's buffer, little-endian: what `sha256` is of."""
    laid = flat(values, layout)
    return laid.astype(laid.dtype.newbyteorder("<")).tobytes()


def told(values: np.ndarray, layout: str) -> dict[str, Any]:
    """Say what a right app's input is, for a contract.

    Args:
        values: of `of_pixels`.
        layout: of the input.

    Returns:
        `sha256` of its bytes; `samples`: its values at `sample_at`, `printed`.
    """
    return {
        "sha256": hashlib.sha256(buffer_bytes(values, layout)).hexdigest(),
        "samples": printed(flat(values, layout)[list(sample_at(values.shape[0], layout))]),
    }


def printed(samples: np.ndarray) -> list[float]:
    """Write values of an input as contracts do: floats with seven digits behind the point."""
    return [round(float(v), 7) if samples.dtype.kind == "f" else int(v) for v in samples]
