"""Which layers of a network learn in a phase, and how fast: `freeze`, `unfreeze`, `batch_norm` and `layer_decay` of a recipe."""

from __future__ import annotations

import re

import tf_keras

from edgetl.errors import InputError
from edgetl.recipe import Last, Match, Phase, Until

BATCH_NORM_MOMENTUM = 0.95
"""Where a phase lets batch normalisation follow the batches, it must get there within a small data set's few hundred steps;
Keras' MobileNetV2 is built with 0.999, which takes thousands."""
FIRST_OF_HEAD = "pool"
"""Name of the layer that ends the backbone, see `edgetl.nn.classifier`."""


def freeze(model: tf_keras.Model, phase: Phase, epoch: int = 0) -> None:
    """Set `trainable` of every layer as a phase says.

    A batch normalisation that does not learn stays in inference mode: it neither follows the batches nor moves its scale. In the
    frozen part that is always so, elsewhere unless the phase says `batch_norm: update`; the head's own always learn.

    Args:
        model: image → logits, its backbone's layers before the one named `pool`.
        phase: the phase.
        epoch: epochs of the phase that are done; gradual unfreezing looks at it.

    Raises:
        InputError: the phase names a layer that is not there.
    """
    layers = _backbone(model)
    learns = _learning(layers, phase, epoch)
    for layer in model.layers[len(layers) :]:
        layer.trainable = True
    for layer, free in zip(layers, learns, strict=True):
        normalisation = isinstance(layer, tf_keras.layers.BatchNormalization)
        if normalisation:
            layer.momentum = BATCH_NORM_MOMENTUM
        layer.trainable = free and not (normalisation and phase.batch_norm == "inference")


def _backbone(model: tf_keras.Model) -> list[tf_keras.layers.Layer]:
    names = [layer.name for layer in model.layers]
    return list(model.layers[: names.index(FIRST_OF_HEAD)])


def _convolutions(layers: list[tf_keras.layers.Layer]) -> list[int]:
    """Places of the layers with a kernel, in order (a depthwise convolution is one of them)."""
    kinds = (tf_keras.layers.Conv2D, tf_keras.layers.DepthwiseConv2D, tf_keras.layers.SeparableConv2D)
    return [number for number, layer in enumerate(layers) if isinstance(layer, kinds)]


def _learning(layers: list[tf_keras.layers.Layer], phase: Phase, epoch: int) -> list[bool]:
    if isinstance(phase.freeze, Match):
        frozen = re.compile(phase.freeze.match)
        learns = [frozen.search(layer.name) is None for layer in layers]
        if all(learns):
            known = ", ".join(layer.name for layer in layers if layer.weights)
            raise InputError(f"phase {phase.phase}: freeze.match: no layer matches {phase.freeze.match!r}. Layers: {known}.")
        return learns
    places = _convolutions(layers)
    first = _first(layers, places, phase)
    if phase.unfreeze is not None:
        later = sum(place >= first for place in places) + phase.unfreeze.layers * (epoch // phase.unfreeze.every)
        first = first if later == 0 else places[max(0, len(places) - later)] if later < len(places) else 0
    return [number >= first for number in range(len(layers))]


def _first(layers: list[tf_keras.layers.Layer], places: list[int], phase: Phase) -> int:
    """Place of the first layer that learns."""
    if isinstance(phase.freeze, Until):
        names = [layer.name for layer in layers]
        if phase.freeze.until not in names:
            raise InputError(
                f"phase {phase.phase}: freeze.until: no layer named {phase.freeze.until!r}. Layers: {', '.join(names)}."
            )
        return names.index(phase.freeze.until)
    if isinstance(phase.freeze, Last):
        return places[-phase.freeze.last] if phase.freeze.last <= len(places) else 0
    return len(layers) if phase.freeze == "all" else 0


def rates(model: tf_keras.Model, layer_decay: float) -> dict[str, float]:
    """Give every layer its share of the learning rate.

    Args:
        model: image → logits.
        layer_decay: share of a convolution against the one after it (after Clark et al., ELECTRA, 2020, section 3).

    Returns:
        Layer name → 1 for the head, `layer_decay` for the last convolution and what follows it, its square for the one before …
    """
    layers = _backbone(model)
    places = _convolutions(layers)
    found = {layer.name: 1.0 for layer in model.layers}
    for number, layer in enumerate(layers):
        found[layer.name] = layer_decay ** sum(place > number for place in places) * layer_decay
    return found
