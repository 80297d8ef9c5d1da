"""What an app does before and after the network: from a photo's bytes to the input, from the output to an answer; timed apart."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from edgetl.errors import InputError
from edgetl.stats import percentile
from edgetl.types import Preprocess

if TYPE_CHECKING:
    import numpy as np

REPEATS = 40
"""Times each step is run; the first `_DROPPED` do not count."""
_DROPPED = 5


def around(photo: bytes, inputs: list[dict[str, Any]], output: np.ndarray, cores: tuple[int, ...]) -> dict[str, Any]:
    """Time what stands before and after the network, with edgetl's own preprocessing, on one core of this process.

    Args:
        photo: an encoded image.
        inputs: the network's inputs: `shape` (1, px, px, 3) or (1, 3, px, px), `dtype`.
        output: of one image, in the network's own type.
        cores: the first one is used; empty = any.

    Returns:
        `decode_ms`, `fit_ms` (resize and crop), `normalise_ms`, `before_ms` (all three), `after_ms` (softmax of what the network
        gives, and the greatest), as `{"p50", "values"}`.

    Raises:
        InputError: the photo cannot be decoded, or the network does not take one square image of three channels.
    """
    import numpy as np

    from edgetl.preprocess import ImageFault, decode, fit, normalise

    px, first = _square(inputs)
    preprocess = Preprocess(resize_px=px, crop_px=px)

    def to_tensor(pixels: np.ndarray) -> np.ndarray:
        if inputs[0]["dtype"] == "uint8":
            values = pixels[None]
        elif inputs[0]["dtype"] == "int8":
            values = (pixels[None].astype(np.int16) - 128).astype(np.int8)
        else:
            values = normalise(pixels[None], preprocess)
        return np.ascontiguousarray(values.transpose(0, 3, 1, 2)) if first else values

    def answer() -> int:
        raw = output.reshape(-1).astype(np.float32)
        powers = np.exp(raw - raw.max())
        return int((powers / powers.sum()).argmax())

    before = os.sched_getaffinity(0) if cores else None
    try:
        if cores:
            os.sched_setaffinity(0, cores[:1])
        image = decode(photo)
        pixels = fit(image, preprocess)
        steps: dict[str, Callable[[], Any]] = {
            "decode_ms": lambda: decode(photo),
            "fit_ms": lambda: fit(image, preprocess),
            "normalise_ms": lambda: to_tensor(pixels),
            "before_ms": lambda: to_tensor(fit(decode(photo), preprocess)),
            "after_ms": answer,
        }
        return {name: _timed(step) for name, step in steps.items()}
    except ImageFault as error:
        raise InputError(f"--image: {error}. Give a photo.") from error
    finally:
        if before is not None:
            os.sched_setaffinity(0, before)


def _square(inputs: list[dict[str, Any]]) -> tuple[int, bool]:
    """Side in pixels, and whether channels come first."""
    shape = inputs[0]["shape"] if len(inputs) == 1 else []
    if len(shape) == 4 and shape[0] == 1:
        if shape[3] == 3 and shape[1] == shape[2]:
            return int(shape[1]), False
        if shape[1] == 3 and shape[2] == shape[3]:
            return int(shape[2]), True
    shapes = ", ".join(str(given["shape"]) for given in inputs)
    raise InputError(f"--image: the network takes {shapes}, not one square picture of three channels. Leave --image out.")


def _timed(step: Callable[[], Any]) -> dict[str, Any]:
    values = []
    for _ in range(REPEATS):
        begun = time.perf_counter_ns()
        step()
        values.append((time.perf_counter_ns() - begun) / 1e6)
    return {"p50": percentile(values[_DROPPED:], 50.0), "values": values[_DROPPED:]}
