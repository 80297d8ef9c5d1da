"""What one layer of a file gives when it is fed something else than the layers before it gave: its own error, alone.

The layer is computed from what the file says of it, in float32, and rounded to its grid at the end: its weights, its clip and its
range are the file's, its input is the reference's.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

    from edgetl.layers.steps import Layer


def compute(layer: Layer, inputs: Sequence[np.ndarray]) -> np.ndarray | None:
    """Run one layer.

    Args:
        layer: of a file.
        inputs: what it reads, float32 (N, height, width, channels) or (N, channels).

    Returns:
        What it gives, float32; None for a layer that is not computed here, or whose inputs have other shapes.
    """
    import numpy as np

    with np.errstate(invalid="ignore", over="ignore"):  # of weights that are not finite
        found = _real(layer, inputs)
    if found is None:
        return None
    if layer.clip is not None:
        found = np.clip(found, *layer.clip)
    return found.astype(np.float32) if layer.grid is None else layer.grid.round(found)


def _real(layer: Layer, inputs: Sequence[np.ndarray]) -> np.ndarray | None:
    import numpy as np

    if layer.kind in ("conv", "norm", "dense") and len(inputs) == 1 and layer.kernel is not None:
        given = inputs[0]
        if layer.kind == "norm":
            found = given * layer.kernel.reshape(-1)
        elif layer.kind == "dense":
            given = given.reshape(len(given), -1)
            if given.shape[1] != layer.kernel.shape[3]:
                return None
            found = given @ layer.kernel.reshape(len(layer.kernel), -1).T
        elif given.ndim != 4 or given.shape[3] != layer.kernel.shape[3] * layer.groups:
            return None
        else:
            found = np.stack([_convolved(layer, layer.kernel, image) for image in given])
        return np.asarray(found if layer.bias is None else found + layer.bias)
    if layer.kind in ("add", "mul") and len(inputs) == 2:
        factor = 1.0 if layer.kernel is None else float(layer.kernel.reshape(-1)[0])
        return np.asarray(inputs[0] + inputs[1] if layer.kind == "add" else inputs[0] * inputs[1] * factor)
    if layer.kind == "mean" and len(inputs) == 1 and inputs[0].ndim == 4:
        return np.asarray(inputs[0].mean((1, 2)))
    if layer.kind == "softmax" and len(inputs) == 1 and inputs[0].ndim == 2 and not layer.name.lower().endswith("sigmoid"):
        powers = np.exp(inputs[0] - inputs[0].max(1, keepdims=True))
        return np.asarray(powers / powers.sum(1, keepdims=True))
    return None


def _convolved(layer: Layer, kernel: np.ndarray, image: np.ndarray) -> np.ndarray:
    """One image through a convolution; (height, width, out)."""
    import numpy as np

    top, left, bottom, right = layer.pads
    padded = np.pad(image, ((top, bottom), (left, right), (0, 0)))
    count, high, wide, each = kernel.shape
    (down, across), (far, apart) = layer.strides, layer.dilations
    rows = (padded.shape[0] - (high - 1) * far - 1) // down + 1
    columns = (padded.shape[1] - (wide - 1) * apart - 1) // across + 1
    groups = layer.groups
    found = np.zeros((rows, columns, count), np.float32)
    for i in range(high):
        for j in range(wide):
            part = padded[
                i * far : i * far + (rows - 1) * down + 1 : down, j * apart : j * apart + (columns - 1) * across + 1 : across
            ]
            if each == 1 and groups > 1:
                part = part if part.shape[2] == count else np.repeat(part, count // part.shape[2], axis=2)
                found += part * kernel[:, i, j, 0]
            elif groups == 1:
                found += part @ kernel[:, i, j].T
            else:
                wide_in, wide_out = each, count // groups
                for g in range(groups):
                    out = slice(g * wide_out, (g + 1) * wide_out)
                    found[..., out] += part[..., g * wide_in : (g + 1) * wide_in] @ kernel[out, i, j].T
    return found
