"""One step for everything that meets in an addition, so that adding int8 values needs no rounding.

With different steps a runtime multiplies, adds and rounds, and each runtime rounds in its own way: LiteRT's XNNPACK in
fixed point, onnxruntime in float. One value in two thousand then differs by one step after the first residual, one in twenty
after the last. With one step the sum is a sum of integers, the same everywhere; the branches lose a little resolution, but
the sum was on the coarsest grid anyway. Concatenated values share their zero point too, so that nothing is requantized, and so
do averages and what they are taken of: a runtime averages on its input's grid. A ReLU of what is quantized already keeps its
step: a finer one would hold nothing more.
"""

from __future__ import annotations

import math
from collections.abc import Collection
from typing import Any

import tf_keras

from edgetl.nn.half_steps import on_half
from edgetl.nn.layers import Sigmoid
from edgetl.nn.ranges import Range

_STEPS = 255
"""Of an 8-bit grid."""
PASSING = (
    tf_keras.layers.ZeroPadding2D,
    tf_keras.layers.Cropping2D,
    tf_keras.layers.MaxPooling2D,
    tf_keras.layers.Reshape,
    tf_keras.layers.Flatten,
    tf_keras.layers.Dropout,
)
"""Layers whose output is on the grid of their input."""


def share(model: tf_keras.Model, ranges: dict[str, Range], floats: Collection[str] = ()) -> dict[str, Range]:
    """Give all that meets in an addition one step, and all that meets in a concatenation or an average one grid.

    Args:
        model: the float network.
        ranges: layer name → range, of the layers whose output is quantized; their steps are half-precision numbers.
        floats: names of the layers that compute in float; what meets in them need not share anything.

    Returns:
        The same layers; where values meet, ranges are widened to the widest one's step, their zero on the grid; but not
        where that would lead beyond the limit of a ReLU6. Steps stay half-precision numbers. A sigmoid keeps its range: TFLite
        knows no other.
    """
    shared = dict(ranges)
    sums = _groups(model, ranges, tf_keras.layers.Add, floats)
    alike = _groups(model, ranges, tf_keras.layers.Concatenate | tf_keras.layers.AveragePooling2D, floats)
    for group in alike:
        low, high = min(shared[name][0] for name in group), max(shared[name][1] for name in group)
        shared.update(dict.fromkeys(group, on_half((low, high))))
    for group in _merged([*sums, *(group for group in alike if any(group & other for other in sums))]):
        step = max(shared[name][1] - shared[name][0] for name in group) / _STEPS
        if any(_STEPS * step > _limit(model.get_layer(name)) + step / 2 for name in group):
            continue
        for name in group:
            zero = round(-shared[name][0] / step)
            shared[name] = (-zero * step, (_STEPS - zero) * step)
    met = set().union(*sums, *alike)
    for layer in model.layers:
        own = layer.name in ranges and layer.name not in floats
        source = grid_of(layer.input, ranges) if own and _is_relu(layer) else None
        if source is not None and layer.name not in met:
            low, high = shared[source]
            shared[layer.name] = (0.0, high - low)
    return shared


def shared_grids(model: tf_keras.Model, ranges: dict[str, Range], floats: Collection[str] = ()) -> set[str]:
    """Names of the layers whose range is not theirs alone: what meets in additions or concatenations, and average pools.

    Args:
        model: the float network.
        ranges: layer name → range, of the layers whose output is quantized.
        floats: names of the layers that compute in float.

    Returns:
        The names.
    """
    kinds = tf_keras.layers.Add | tf_keras.layers.Concatenate | tf_keras.layers.AveragePooling2D
    return set().union(*_groups(model, ranges, kinds, floats))


def _is_relu(layer: tf_keras.layers.Layer) -> bool:
    """Whether a layer is a ReLU without an upper limit."""
    if isinstance(layer, tf_keras.layers.ReLU):
        return layer.max_value is None and not layer.negative_slope and not layer.threshold
    return isinstance(layer, tf_keras.layers.Activation) and layer.activation is tf_keras.activations.relu


def _limit(layer: tf_keras.layers.Layer) -> float:
    """Largest value a layer lets through. A grid that goes beyond it would need a clip, which stops a runtime's fusion."""
    limit = getattr(layer, "max_value", None)
    return math.inf if limit is None else float(limit)


def _groups(model: tf_keras.Model, ranges: dict[str, Range], kinds: Any, floats: Collection[str]) -> list[set[str]]:
    """Layers whose outputs meet in layers of some kinds, directly or over several of them."""
    groups = []
    for layer in model.layers:
        if isinstance(layer, kinds) and layer.name not in floats:
            inputs = layer.input if isinstance(layer.input, list) else [layer.input]
            members = {grid_of(tensor, ranges) for tensor in inputs} | {_result(model, layer, ranges)}
            groups.append({m for m in members if m is not None and not isinstance(model.get_layer(m), Sigmoid)})
    return _merged(groups)


def _merged(groups: list[set[str]]) -> list[set[str]]:
    """Unite groups that have a member in common."""
    merged: list[set[str]] = []
    for group in groups:
        united = set(group)
        for other in [g for g in merged if g & united]:
            merged.remove(other)
            united |= other
        merged.append(united)
    return [group for group in merged if group]


def grid_of(tensor: Any, ranges: dict[str, Range]) -> str | None:
    """Name of the layer whose quantization a tensor carries.

    Args:
        tensor: symbolic output of a layer.
        ranges: layer name → range, of the layers whose output is quantized.

    Returns:
        The name; None for the network's own input, or what is not quantized.
    """
    layer = tensor._keras_history.layer
    while layer.name not in ranges:
        if not isinstance(layer, PASSING):
            return None
        layer = layer.input._keras_history.layer
    return str(layer.name)


def _result(model: tf_keras.Model, layer: tf_keras.layers.Layer, ranges: dict[str, Range]) -> str | None:
    """Name of the layer that quantizes a sum: the addition itself, or the activation that is fused with it."""
    while layer.name not in ranges:
        followers = [node.layer for node in layer.outbound_nodes if node.layer in model.layers]
        if len(followers) != 1:
            return None
        layer = followers[0]
    return str(layer.name)
