"""Golden photos, prepared here: pixels and inputs must be those that golden.json tells, as far as decoders agree."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from edgetl.bundle.plain import digest
from edgetl.tensors import of_pixels, printed, sample_at, told
from edgetl.types import Preprocess

if TYPE_CHECKING:
    import numpy as np

_MOST_APART = 3.0
"""Most that pixels decoded here may lie from golden.json's beyond its tolerance, in levels: it knows not every decoder."""
_LOSSLESS = (b"\x89PNG", b"BM")
"""How photos start that every decoder decodes alike; Pillow resizes in whole numbers, from 13.0 on in one order of passes."""
_ROUNDED = 1e-3
"""Most that a mean of the very same pixels may be off: golden.json rounds it to four digits."""


def contradiction(
    data: bytes, image: Mapping[str, Any], inputs: Mapping[str, Mapping[str, Any]], preprocess: Preprocess
) -> str | None:
    """Find what does not follow from a photo.

    Args:
        data: its bytes.
        image: what golden.json tells of it; anything may be in it.
        inputs: `artifacts` of golden.json.
        preprocess: of the bundle.

    Returns:
        The first, as the end of a sentence; None where there is none.

    Raises:
        KeyError, TypeError, ValueError, AttributeError, ArithmeticError: it is not what edgetl writes.
    """
    import numpy as np

    from edgetl.preprocess import ImageFault, to_pixels

    try:
        pixels = to_pixels(data, preprocess)
    except ImageFault as fault:
        return f"cannot be prepared ({fault})"
    expected = image["pixels"]
    same = digest(pixels.tobytes()) == expected["sha256"]  # else another decoder than that of where the bundle was made
    if (not same and data.startswith(_LOSSLESS)) or not _near(pixels, expected, same=same):
        return "prepared as the bundle says, does not give the pixels that are told"
    samples = np.array(expected["samples"], np.uint8)
    for name, facts in inputs.items():
        steps = dataclasses.replace(preprocess, mean=facts["mean"], std=facts["std"])
        tensor = image["tensors"][name]
        if printed(of_pixels(samples, facts["dtype"], steps)) != tensor["samples"]:
            return f"tells samples of the input of {name} that its pixels do not give"
        if same and told(of_pixels(pixels, facts["dtype"], steps), facts["layout"]) != tensor:
            return f"tells a sha256 of the input of {name} that its pixels do not give"
    return None


def _near(pixels: np.ndarray, expected: Mapping[str, Any], *, same: bool) -> bool:
    samples = pixels.reshape(-1)[list(sample_at(pixels.shape[0], "NHWC"))].tolist()
    apart = 0.0 if same else float(expected["tolerance"]["samples"]) + _MOST_APART
    means_apart = _ROUNDED if same else float(expected["tolerance"]["mean"]) + _MOST_APART
    means = pixels.reshape(-1, 3).mean(axis=0).tolist()
    return _all_near(samples, expected["samples"], apart) and _all_near(means, expected["mean"], means_apart)


def _all_near(mine: Sequence[float], theirs: Sequence[float], most: float) -> bool:
    return all(abs(a - float(b)) <= most for a, b in zip(mine, theirs, strict=True))
