"""Take the mean error that rounding the weights causes out of each layer's bias.

Rounding a kernel shifts the mean of every channel it computes, most of all in depthwise layers, whose few weights do not
average out; the shifts add up from layer to layer. Layer by layer, from the input on, the difference of the channel means
between the float and the quantized network is added to the bias, so that each layer is corrected on inputs that are already.

Source: Nagel et al., Data-Free Quantization Through Weight Equalization and Bias Correction, ICCV 2019, arXiv:1906.04721,
section 4.2 (the empirical form, appendix D).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow as tf
import tf_keras


def correct_biases(quantized: tf_keras.Model, model: tf_keras.Model, images: np.ndarray) -> dict[str, float]:
    """Correct all biases in place, in one pass through both networks.

    Args:
        quantized: what `quantize_model` made of `model`, calibrated.
        model: the float network.
        images: float32 (N, px, px, 3), normalised; their activations are held in memory.

    Returns:
        Layer name → largest correction of a channel, in the unit of the layer's output.
    """
    image = tf.constant(images)
    wanted: dict[str, Any] = {}
    found: dict[str, Any] = {}
    counterparts = {layer.name.removeprefix("quant_"): layer for layer in quantized.layers}
    corrections: dict[str, float] = {}
    first = next(layer for layer in quantized.layers if isinstance(layer, tf_keras.layers.InputLayer))
    found[first.name] = image
    for layer in quantized.layers:  # those before the first that the float network has as well: the input's own rounding
        if not hasattr(layer, "layer") and layer is not first:
            found[layer.name] = layer(found[_sources(layer)[0]], training=False)
    readers = _readers(model)
    for layer in model.layers:
        if isinstance(layer, tf_keras.layers.InputLayer):
            wanted[layer.name] = image
            continue
        twin = counterparts[layer.name]
        values = _run(layer, wanted)
        rounded = _run(twin, found)
        bias = _bias(twin)
        if bias is not None:
            axes = list(range(len(values.shape) - 1))
            shift = tf.reduce_mean(values - rounded, axes)
            bias.assign_add(shift)
            rounded = _run(twin, found)
            corrections[layer.name] = float(tf.reduce_max(tf.abs(shift)))
        wanted[layer.name], found[twin.name] = values, rounded
        for name in _sources(layer):
            readers[name] -= 1
            if not readers[name]:
                wanted.pop(name)
    return corrections


def _sources(layer: Any) -> list[str]:
    """Names of the layers that a layer reads."""
    return [tensor._keras_history.layer.name for tensor in tf.nest.flatten(layer.input)]


def _readers(model: tf_keras.Model) -> dict[str, int]:
    counts: dict[str, int] = {}
    for layer in model.layers:
        if not isinstance(layer, tf_keras.layers.InputLayer):
            for name in _sources(layer):
                counts[name] = counts.get(name, 0) + 1
    return counts


def _run(layer: Any, values: dict[str, Any]) -> Any:
    inputs = [values[name] for name in _sources(layer)]
    return layer(inputs if isinstance(layer.input, list) else inputs[0], training=False)


def _bias(twin: Any) -> Any:
    """The variable that shifts a layer's output channel by channel; None when there is none."""
    layer = twin.layer
    if isinstance(layer, tf_keras.layers.BatchNormalization):
        return layer.beta
    return getattr(layer, "bias", None)
