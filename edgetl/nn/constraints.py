"""Constraints that weights obey through training: zeros, 2:4 zeros, few distinct values.

What a constraint chooses (which weights are zero, which share a value) it chooses once, from the float checkpoint, so that a
run that was killed chooses the same again; training then moves what is left free.

Held to it are the kernels of convolutions (1x1 too) and dense layers with at least `SMALLEST` weights. Depthwise kernels, the
first convolution and the logits layer are left alone: together a few per cent of the weights, and the most sensitive ones.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Protocol

import numpy as np
import tensorflow as tf
import tf_keras

SMALLEST = 1024
"""Weights of the smallest kernel that is held to a constraint; as in `edgetl.grid.sparsity`."""
_RAMP = 0.5
"""Share of the training in which zeros are brought in."""
_ROUNDS = 100
"""Most rounds of k-means; it stops earlier when no weight changes its cluster."""

Kernels = Mapping[str, tf.Variable]
"""Layer name → kernel: HWIO of a convolution, (in, out) of a dense layer."""


class Constraint(Protocol):
    """What training needs of a constraint."""

    def settle(self, kernels: Kernels) -> tuple[str, ...]:
        """Choose from the float weights; return the names of the kernels that cannot obey and stay as they are."""

    def apply(self, part: float = 1.0) -> None:
        """Project every kernel back; `part` of the training is over, 0 to 1."""

    def holds(self, part: float = 1.0) -> bool:
        """Whether the constraint holds in full when that part of the training is over."""


def kernels(model: tf_keras.Model) -> dict[str, tf.Variable]:
    """Find the kernels that a constraint holds.

    Args:
        model: image → logits, as float or with fake quantization around its layers.

    Returns:
        Layer name, without `quant_`, → its float32 kernel, in the network's order.
    """
    found: dict[str, tf.Variable] = {}
    convolutions: list[str] = []
    dense: list[str] = []
    for layer in model.layers:
        inner = getattr(layer, "layer", layer)
        if type(inner) not in (tf_keras.layers.Conv2D, tf_keras.layers.Dense):
            continue
        (convolutions if type(inner) is tf_keras.layers.Conv2D else dense).append(inner.name)
        found[inner.name] = next(v for v in layer.weights if v.name.rpartition("/")[2] == "kernel:0")
    alone = {*convolutions[:1], *dense[-1:]}
    return {name: kernel for name, kernel in found.items() if name not in alone and math.prod(kernel.shape) >= SMALLEST}


class _Masked:
    """Kernels times masks of zeros and ones."""

    def __init__(self) -> None:
        self.order: list[tuple[tf.Variable, tf.Tensor]] = []
        self._project = tf.function(self._cut, input_signature=[tf.TensorSpec((None,), tf.int32)])

    def _cut(self, counts: tf.Tensor) -> None:
        for place, (kernel, rank) in enumerate(self.order):
            kernel.assign(tf.where(rank >= counts[place], kernel, tf.zeros_like(kernel)))


class Sparse(_Masked):
    """A share of each kernel is zero: its smallest weights, but never all of an output channel.

    The largest weight of each channel stays: without it the channel has no range, so that in int8 its bias would not fit into
    32 bits.

    Zeros come in over the first half of the training, the smallest first, on the cubic ramp of Zhu & Gupta 2017
    (arXiv:1710.01878, equation 1): most of them early, while the network can still learn to do without.
    """

    def __init__(self, share: float = 0.5) -> None:
        """Make the constraint.

        Args:
            share: of zeros in each kernel, above 0 and below 1.
        """
        super().__init__()
        self.share = share

    def settle(self, kernels: Kernels) -> tuple[str, ...]:
        """Rank the weights of each kernel by magnitude, equal ones by their place."""
        for kernel in kernels.values():
            sizes = np.abs(kernel.numpy()).reshape(-1, kernel.shape[-1])
            sizes[sizes.argmax(axis=0), np.arange(kernel.shape[-1])] = np.inf
            self.order.append((kernel, tf.constant(_ranks(sizes).reshape(kernel.shape))))
        return ()

    def apply(self, part: float = 1.0) -> None:
        """Set the smallest weights to zero, as many as the ramp says."""
        share = self.share * (1.0 - (1.0 - min(part / _RAMP, 1.0)) ** 3)
        counts = [math.ceil(share * math.prod(kernel.shape) - 1e-6) for kernel, _ in self.order]
        self._project(tf.constant(counts, tf.int32))

    def holds(self, part: float = 1.0) -> bool:
        """From the end of the ramp on."""
        return part >= _RAMP


class TwoOfFour(_Masked):
    """Of every four consecutive weights along the input channels the two largest stay, from the first step on.

    The pattern that sparse matrix units skip (Mishra et al. 2021, arXiv:2104.08378). A kernel whose number of input channels
    is no multiple of four stays dense.
    """

    def settle(self, kernels: Kernels) -> tuple[str, ...]:
        """Rank the weights in each group of four by magnitude, equal ones by their place."""
        able = {name: kernel for name, kernel in kernels.items() if kernel.shape[-2] % 4 == 0}
        for kernel in able.values():
            groups = np.moveaxis(np.abs(kernel.numpy()), -2, -1)
            ranks = np.argsort(np.argsort(groups.reshape(-1, 4), axis=1, kind="stable"), axis=1, kind="stable")
            rank = np.ascontiguousarray(np.moveaxis(ranks.reshape(groups.shape), -1, -2), np.int32)
            self.order.append((kernel, tf.constant(rank)))
        return tuple(name for name in kernels if name not in able)

    def apply(self, part: float = 1.0) -> None:
        """Set the two smallest of each group to zero."""
        self._project(tf.fill((len(self.order),), 2))

    def holds(self, part: float = 1.0) -> bool:
        """Always."""
        return True


class Clusters:
    """Each kernel has few distinct values; what learns are the values (Han et al. 2016, arXiv:1510.00149).

    Which weights share a value is found by k-means. After a step each weight becomes the mean of those it shares with, which
    is a step of the shared value along its mean gradient.
    """

    def __init__(self, count: int = 16, *, keep_zero: bool = False) -> None:
        """Make the constraint.

        Args:
            count: distinct values in each kernel, at least 2.
            keep_zero: weights that are zero are a cluster of their own and stay zero.
        """
        self.count, self.keep_zero = count, keep_zero
        self.members: list[tuple[tf.Variable, tf.Tensor, tf.Tensor]] = []
        self._project = tf.function(self._share)

    def settle(self, kernels: Kernels) -> tuple[str, ...]:
        """Give each weight its cluster."""
        for kernel in kernels.values():
            values = kernel.numpy()
            groups = _clusters(values.ravel(), self.count) if not self.keep_zero else np.zeros(values.size, np.int32)
            free = values.ravel() != 0.0
            if self.keep_zero:
                groups[free] = 1 + _clusters(values.ravel()[free], self.count - 1)
            sizes = np.maximum(np.bincount(groups, minlength=self.count), 1).astype(np.float64)
            if self.keep_zero:
                sizes[0] = np.inf  # sum / ∞: the mean of the zeros is zero, whatever a step made of them
            self.members.append((kernel, tf.constant(groups, tf.int32), tf.constant(sizes)))
        return ()

    def apply(self, part: float = 1.0) -> None:
        """Set each weight to the mean of its cluster."""
        self._project()

    def holds(self, part: float = 1.0) -> bool:
        """Always."""
        return True

    def _share(self) -> None:
        for kernel, groups, sizes in self.members:
            flat = tf.reshape(tf.cast(kernel, tf.float64), (-1,))  # float64: the mean of equal values is that value
            means = tf.math.unsorted_segment_sum(flat, groups, self.count) / sizes
            kernel.assign(tf.reshape(tf.cast(tf.gather(means, groups), tf.float32), kernel.shape))


class Stack:
    """Several constraints at once, each settled on weights that obey those before it; all hold from the first step on."""

    def __init__(self, *parts: Constraint) -> None:
        """Make the constraint of others, in the order in which they are settled and applied."""
        self.parts = parts

    def settle(self, kernels: Kernels) -> tuple[str, ...]:
        """Settle one after the other; the kernels are left as they were."""
        before = {name: kernel.numpy() for name, kernel in kernels.items()}
        left: dict[str, None] = {}
        for part in self.parts:
            left.update(dict.fromkeys(part.settle(kernels)))
            part.apply()
        for name, values in before.items():
            kernels[name].assign(values)
        return tuple(left)

    def apply(self, part: float = 1.0) -> None:
        """Apply all, in full."""
        for constraint in self.parts:
            constraint.apply()

    def holds(self, part: float = 1.0) -> bool:
        """Always."""
        return True


def _ranks(values: np.ndarray) -> np.ndarray:
    """Place of each value in ascending order, int32 of the same shape; equal values in the order they stand."""
    ranks = np.empty(values.size, np.int32)
    ranks[np.argsort(values, axis=None, kind="stable")] = np.arange(values.size, dtype=np.int32)
    return ranks.reshape(values.shape)


def _clusters(values: np.ndarray, count: int) -> np.ndarray:
    """One-dimensional k-means, started from quantiles, so that it needs no random numbers.

    Args:
        values: float32 (N,).
        count: clusters, at most; fewer when there are fewer distinct values.

    Returns:
        int32 (N,), the cluster of each value, 0 for the smallest values.
    """
    order = np.argsort(values, kind="stable")
    line = values[order].astype(np.float64)
    sums = np.concatenate([[0.0], np.cumsum(line)])
    centres = np.unique(np.quantile(line, (np.arange(count) + 0.5) / count, method="nearest"))
    edges = np.empty(0, np.int64)
    for _ in range(_ROUNDS):
        moved = np.searchsorted(line, (centres[1:] + centres[:-1]) / 2.0, side="left")
        if np.array_equal(moved, edges):
            break
        edges = moved
        bounds = np.concatenate([[0], edges, [line.size]])
        filled = np.diff(bounds) > 0
        means = np.diff(sums[bounds]) / np.maximum(np.diff(bounds), 1)
        centres = np.where(filled, means, centres)
    groups = np.empty(values.size, np.int32)
    groups[order] = np.searchsorted(edges, np.arange(values.size), side="right")
    return groups
