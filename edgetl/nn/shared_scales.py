"""One step for everything that meets in an addition, so that adding int8 values needs no rounding.

With different steps a runtime multiplies, adds and rounds, and each runtime rounds in its own way: LiteRT's XNNPACK in
fixed point, onnxruntime in float. One value in two thousand then differs by one step after the first residual, one in twenty
after the last. With one step the sum is a sum of integers, the same everywhere; the branches lose a little resolution, but
the sum was on the coarsest grid anyway. Concatenated values share their zero point too, so that nothing is requantized.
"""

from __future__ import annotations

import math
from typing import Any

import tf_keras

from edgetl.nn.layers import Sigmoid
from edgetl.nn.ranges import Range

_STEPS = 255
"""Of an 8-bit grid."""
_PASSING = (
    tf_keras.layers.ZeroPadding2D,
    tf_keras.layers.MaxPooling2D,
    tf_keras.layers.Reshape,
    tf_keras.layers.Flatten,
    tf_keras.layers.Dropout,
)
"""Layers whose output is on the grid of their input."""


def share(model: tf_keras.Model, ranges: dict[str, Range]) -> dict[str, Range]:
    """Give all that meets in an addition or a concatenation one step.

    Args:
        model: the float network.
        ranges: layer name → range, of the layers whose output is quantized.

    Returns:
        The same layers; where values meet, ranges are widened to the widest one's step, their zero on the grid; but not
        where that would lead beyond the limit of a ReLU6. A sigmoid keeps its range: TFLite knows no other.
    """
    shared = dict(ranges)
    sums = _groups(model, ranges, tf_keras.layers.Add)
    for group in sums:
        step = max(ranges[name][1] - ranges[name][0] for name in group) / _STEPS
        if any(_STEPS * step > _limit(model.get_layer(name)) + step / 2 for name in group):
            continue
        for name in group:
            zero = round(-ranges[name][0] / step)
            shared[name] = (-zero * step, (_STEPS - zero) * step)
    for group in _groups(model, ranges, tf_keras.layers.Concatenate):
        whole = [shared[name] for name in group]
        shared.update({name: (min(r[0] for r in whole), max(r[1] for r in whole)) for name in group})
    for layer in model.layers:  # a runtime averages on its input's grid
        if isinstance(layer, tf_keras.layers.AveragePooling2D) and layer.name in shared:
            shared[layer.name] = shared.get(grid_of(layer.input, ranges) or "", shared[layer.name])
    return shared


def shared_grids(model: tf_keras.Model, ranges: dict[str, Range]) -> set[str]:
    """Names of the layers whose range is not theirs alone: what meets in additions or concatenations, and average pools.

    Args:
        model: the float network.
        ranges: layer name → range, of the layers whose output is quantized.

    Returns:
        The names.
    """
    groups = [*_groups(model, ranges, tf_keras.layers.Add), *_groups(model, ranges, tf_keras.layers.Concatenate)]
    pools = [layer for layer in model.layers if isinstance(layer, tf_keras.layers.AveragePooling2D)]
    sources = {grid_of(layer.input, ranges) for layer in pools} - {None}
    return set().union(*groups, sources, (layer.name for layer in pools))


def _limit(layer: tf_keras.layers.Layer) -> float:
    """Largest value a layer lets through. A grid that goes beyond it would need a clip, which stops a runtime's fusion."""
    limit = getattr(layer, "max_value", None)
    return math.inf if limit is None else float(limit)


def _groups(model: tf_keras.Model, ranges: dict[str, Range], kind: Any) -> list[set[str]]:
    """Layers whose outputs meet in layers of `kind`, directly or over several of them."""
    groups: list[set[str]] = []
    for layer in model.layers:
        if not isinstance(layer, kind):
            continue
        members = {grid_of(tensor, ranges) for tensor in layer.input} | {_result(model, layer, ranges)}
        group = {member for member in members if member is not None and not isinstance(model.get_layer(member), Sigmoid)}
        for other in [g for g in groups if g & group]:
            groups.remove(other)
            group |= other
        groups.append(group)
    return groups


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
        if not isinstance(layer, _PASSING):
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
