"""How alike two outputs are: pure functions of two arrays.

Input: the reference's outputs and the candidate's, same shape, any real dtype. Output: one float. All arithmetic is in
float64, so that the measure adds no error of its own. Compare logits, before softmax: softmax hides differences between
unlikely classes and turns a shift of all logits into none.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray


def max_abs_err(reference: ArrayLike, candidate: ArrayLike) -> float:
    """Largest absolute difference between two outputs.

    Args:
        reference: (N, classes), logits of the checkpoint.
        candidate: (N, classes), logits of the artifact, dequantized.

    Returns:
        Same unit as the inputs; 0.0 means identical.

    Raises:
        ValueError: shapes differ, nothing to compare, or a non-finite value.
    """
    expected, found = _pair(reference, candidate)
    return float(np.max(np.abs(expected - found)))


def top1_agreement(reference: ArrayLike, candidate: ArrayLike) -> float:
    """Share of images on which both outputs name the same class.

    Args:
        reference: (N, classes), logits or probabilities of the checkpoint.
        candidate: (N, classes), the same of the artifact; dequantized or not, as the order alone counts.

    Returns:
        0 to 1. Of classes that tie, the one of the lowest index is the one named (numpy's argmax).

    Raises:
        ValueError: shapes differ or are not (N, classes), nothing to compare, or a non-finite value.
    """
    expected, found = _pair(reference, candidate)
    if expected.ndim != 2:
        raise ValueError(f"outputs have shape {expected.shape}; must be (images, classes).")
    return float(np.mean(np.argmax(expected, axis=1) == np.argmax(found, axis=1)))


def cosine(reference: ArrayLike, candidate: ArrayLike) -> float:
    """Cosine of the angle between two outputs, each taken as one long vector.

    Args:
        reference: any shape.
        candidate: the same shape.

    Returns:
        -1 to 1; 1.0 means the same direction, whatever the scale. Of two outputs that are all zero 1.0, of one 0.0.

    Raises:
        ValueError: shapes differ, nothing to compare, or a non-finite value.
    """
    expected, found = (_scaled(array.ravel()) for array in _pair(reference, candidate))
    norms = float(np.linalg.norm(expected)), float(np.linalg.norm(found))
    if 0.0 in norms:
        return 1.0 if norms == (0.0, 0.0) else 0.0
    return float(np.clip(np.dot(expected / norms[0], found / norms[1]), -1.0, 1.0))


def sqnr_db(reference: ArrayLike, candidate: ArrayLike) -> float:
    """Signal to quantization noise ratio.

    Args:
        reference: any shape; the signal.
        candidate: the same shape; signal and noise.

    Returns:
        10 log10(sum reference^2 / sum (reference - candidate)^2), in decibels. Infinity when identical, minus infinity
        when the reference is all zero and the candidate is not.

    Raises:
        ValueError: shapes differ, nothing to compare, or a non-finite value.

    Source: Oppenheim and Schafer, "Discrete-Time Signal Processing", section on quantization errors; about 6 dB for
    each bit.
    """
    expected, found = _pair(reference, candidate)
    largest = max(float(np.max(np.abs(expected))), float(np.max(np.abs(found)))) or 1.0
    signal = float(np.sum((expected / largest) ** 2))
    noise = float(np.sum(((expected - found) / largest) ** 2))
    if noise == 0.0:
        return float("inf")
    return float(10.0 * np.log10(signal / noise)) if signal > 0.0 else float("-inf")


def _scaled(vector: NDArray[np.float64]) -> NDArray[np.float64]:
    """Bring the largest element to 1, so that squares neither overflow nor vanish."""
    largest = float(np.max(np.abs(vector)))
    return vector / largest if largest > 0.0 else vector


def _pair(reference: ArrayLike, candidate: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    arrays: list[NDArray[np.float64]] = []
    for name, values in (("reference", reference), ("candidate", candidate)):
        given: NDArray[Any] = np.asarray(values)
        if given.dtype.kind not in "fiub":
            raise ValueError(f"the {name} holds {given.dtype}; must hold real numbers.")
        array = given.astype(np.float64)
        if not np.all(np.isfinite(array)):
            raise ValueError(f"the {name} holds a value that is not finite.")
        arrays.append(array)
    if arrays[0].shape != arrays[1].shape:
        raise ValueError(f"shapes differ: reference {arrays[0].shape}, candidate {arrays[1].shape}.")
    if arrays[0].size == 0:
        raise ValueError(f"shape {arrays[0].shape} holds nothing to compare.")
    return arrays[0], arrays[1]
