"""Which layers of an int8 network stay in float, and where real numbers become integers because of it.

A *unit* is what a runtime runs as one: a layer with weights, its batch normalisation, and the activation that alone reads it
(ReLU, hard-swish, sigmoid, swish); or a layer without weights, as an addition. It is called after its layer with weights, and
any of its layers names it. Inside a unit that stays in float nothing is rounded. Its output is rounded when a unit in int8 reads
it, in the range that calibration saw; between units in float it stays real.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import tensorflow as tf
import tf_keras

from edgetl.errors import InputError, did_you_mean
from edgetl.nn.layers import HardSwish, Sigmoid
from edgetl.nn.shared_scales import PASSING

_WEIGHTED = tf_keras.layers.Conv2D | tf_keras.layers.DepthwiseConv2D | tf_keras.layers.Dense
_ACTIVATIONS = tf_keras.layers.ReLU | tf_keras.layers.Activation | HardSwish | Sigmoid


@dataclass(frozen=True, slots=True, kw_only=True)
class Unit:
    """Layers that stay in float together."""

    name: str
    """Its layer with weights, else its first layer."""
    layers: tuple[str, ...]
    """In the network's order."""
    end: str
    """The layer whose output leaves it."""
    readers: tuple[str, ...]
    """Names of the units that read it; layers that only move values are looked through."""
    last: bool
    """Its output is the network's."""
    weighted: bool
    """It has a kernel."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FloatPart:
    """What stays in float of a network."""

    units: tuple[str, ...]
    """Names of the units, in the network's order."""
    layers: frozenset[str]
    """All layers that compute in float: those of the units, and those that only move values between them."""
    real: frozenset[str]
    """Of the layers whose output is rounded in an int8 network, those whose output is not."""


def units(model: tf_keras.Model, rounded: Collection[str]) -> tuple[Unit, ...]:
    """Divide a network into units.

    Args:
        model: the flat float network, without batch normalisations that follow no convolution (`lone_norms.as_depthwise`).
        rounded: names of the layers whose output an int8 network rounds.

    Returns:
        In the network's order. Layers that only move values belong to none.
    """
    found: dict[str, Unit] = {}
    order = [layer.name for layer in model.layers]
    for layer in model.layers:
        if layer.name in rounded:
            members = [model.get_layer(n) for n in sorted(_members(layer, rounded), key=order.index)]
            kernels = [member.name for member in members if isinstance(member, _WEIGHTED)]
            found[layer.name] = Unit(
                name=(kernels or [members[0].name])[0],
                layers=tuple(member.name for member in members),
                end=layer.name,
                readers=(),
                last=False,
                weighted=bool(kernels),
            )
    names = {member: unit.name for unit in found.values() for member in unit.layers}
    made = {}
    for unit in found.values():
        readers, last = _readers(model, model.get_layer(unit.end), names)
        made[unit.name] = replace(unit, readers=tuple(dict.fromkeys(names[r] for r in readers)), last=last)
    return _with_activations(model, made)


def float_part(model: tf_keras.Model, rounded: Collection[str], keep: Iterable[str]) -> FloatPart:
    """Say what stays in float when some layers do.

    Args:
        model: as for `units`.
        rounded: as for `units`.
        keep: names of layers; each stands for its unit.

    Returns:
        The units, their layers, and the outputs that are not rounded.

    Raises:
        InputError: a name that keeps nothing in float; all of them at once.
    """
    every, keep = units(model, rounded), tuple(dict.fromkeys(keep))
    owners = {layer: unit for unit in every for layer in unit.layers}
    chosen = {owners[name].name for name in keep if name in owners}
    kept = [unit for unit in every if unit.name in chosen]
    real = {layer for unit in kept for layer in unit.layers if layer in rounded and layer != unit.end}
    real |= {unit.end for unit in kept if not unit.last and chosen.issuperset(unit.readers)}
    moved = {layer.name for layer in model.layers if isinstance(layer, PASSING) and _source(layer) in real}
    layers = frozenset(layer for unit in kept for layer in unit.layers) | moved
    _insist(keep, layers, every)
    return FloatPart(units=tuple(unit.name for unit in kept), layers=layers, real=frozenset(real))


def _insist(keep: Sequence[str], layers: Collection[str], every: Sequence[Unit]) -> None:
    """Refuse names that keep nothing in float: of no layer, of the input, of what moves values between layers in int8."""
    unknown = [name for name in keep if name not in layers]
    if unknown:
        known = [layer for unit in every for layer in unit.layers]
        near = [did_you_mean(name, known).partition("Known:")[0].strip() for name in unknown]
        faults = [f"no layer named '{name}' to keep. {hint}".rstrip() for name, hint in zip(unknown, near, strict=True)]
        faults.append(f"Layers that can be kept: {', '.join(sorted(unit.name for unit in every))}.")
        raise InputError("quantize.keep_float: names layers that the network does not have or that cannot stay in float.", faults)


def _inputs(layer: Any) -> list[Any]:
    return [tensor._keras_history.layer for tensor in tf.nest.flatten(layer.input)]


def _members(layer: Any, rounded: Collection[str]) -> set[str]:
    """A layer and those before it whose output nothing rounds: what is fused with it."""
    found = {layer.name}
    for source in _inputs(layer):
        if source.name not in rounded and not isinstance(source, (tf_keras.layers.InputLayer, *PASSING)):
            found |= _members(source, rounded)
    return found


def _readers(model: tf_keras.Model, layer: Any, names: dict[str, str]) -> tuple[list[str], bool]:
    """Layers of units that read a layer's output, and whether it is the network's."""
    found, last = [], layer.name in {source.name for source in _ends(model)}
    for node in layer.outbound_nodes:
        if node.layer not in model.layers:
            continue
        if node.layer.name in names:
            found.append(node.layer.name)
        else:
            further, ends = _readers(model, node.layer, names)
            found, last = found + further, last or ends
    return found, last


def _ends(model: tf_keras.Model) -> list[Any]:
    return [tensor._keras_history.layer for tensor in tf.nest.flatten(model.output)]


def _source(layer: Any) -> str:
    """Name of the layer whose values a layer moves."""
    while isinstance(layer, PASSING):
        layer = _inputs(layer)[0]
    return str(layer.name)


def _with_activations(model: tf_keras.Model, made: dict[str, Unit]) -> tuple[Unit, ...]:
    """Join a unit with weights and the activation that alone reads it."""
    joined = dict(made)
    for name, unit in made.items():
        parts = _activation(model, unit, made) if unit.weighted else []
        for part in parts:
            joined.pop(part.name)
        if parts:
            layers = (*unit.layers, *(layer for part in parts for layer in part.layers))
            joined[name] = replace(unit, layers=layers, end=parts[-1].end, readers=parts[-1].readers, last=parts[-1].last)
    renamed = {part: unit.name for unit in joined.values() for part in unit.layers if part in made}
    return tuple(
        replace(unit, readers=tuple(dict.fromkeys(renamed.get(reader, reader) for reader in unit.readers)))
        for unit in joined.values()
    )


def _activation(model: tf_keras.Model, unit: Unit, made: dict[str, Unit]) -> list[Unit]:
    """The unit of an activation, or the two of a swish (sigmoid, product), that alone read a unit directly; none otherwise."""
    readers = [made[reader] for reader in unit.readers]
    alone = [part for part in readers if len(part.layers) == 1 and not unit.last]
    first = next((part for part in alone if isinstance(model.get_layer(part.name), _ACTIVATIONS)), None)
    if first is None or len(alone) != len(readers) or unit.end not in _names(model, first):
        return []
    if len(readers) == 1:
        return [first]
    product = next((part for part in alone if isinstance(model.get_layer(part.name), tf_keras.layers.Multiply)), None)
    if product is None or len(readers) != 2 or first.readers != (product.name,):
        return []
    return [first, product] if set(_names(model, product)) == {unit.end, first.end} else []


def _names(model: tf_keras.Model, unit: Unit) -> list[str]:
    """Names of the layers that a unit of one layer reads."""
    return [source.name for source in _inputs(model.get_layer(unit.name))]
