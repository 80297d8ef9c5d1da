"""What a network costs: multiply-accumulates of one image and parameters, counted layer by layer.

The convention of papers and of the published tables: only kernels are counted, one multiply-accumulate for each weight that meets
a value. Biases, batch normalisation, activations, additions and pooling count nothing. Parameters are all weights that a file
holds, the statistics of batch normalisation included (papers mostly leave these out; `trained` is without them).
"""

from __future__ import annotations

import math

import tf_keras

from edgetl.errors import InputError

_FREE = (
    "InputLayer", "BatchNormalization", "Activation", "ReLU", "Softmax", "HardSwish", "Add", "Multiply", "Concatenate",
    "ZeroPadding2D", "Cropping2D", "MaxPooling2D", "AveragePooling2D", "GlobalAveragePooling2D", "GlobalMaxPooling2D", "Flatten",
    "Reshape", "Dropout", "SeededDropout",
)  # fmt: skip
"""Kinds of layers without a kernel."""


def count(model: tf_keras.Model) -> tuple[int, int]:
    """Count the work and the weights of a network.

    Args:
        model: a flat tf_keras graph whose input has a known size.

    Returns:
        Multiply-accumulates of one image, and parameters (all weights, moving statistics included).

    Raises:
        InputError: a layer with weights is of a kind whose work is not known.
    """
    return sum(_macs(layer) for layer in model.layers), int(model.count_params())


def trained(model: tf_keras.Model) -> int:
    """Count the parameters that training can move: what papers call the parameters of a network.

    Args:
        model: any network.

    Returns:
        Number of its weights without the moving statistics of batch normalisation; frozen layers count too.
    """
    statistics = sum(
        math.prod(weight.shape)
        for layer in model.layers
        if isinstance(layer, tf_keras.layers.BatchNormalization)
        for weight in (layer.moving_mean, layer.moving_variance)
    )
    return int(model.count_params()) - int(statistics)


def _macs(layer: tf_keras.layers.Layer) -> int:
    """Multiply-accumulates of one layer on one image."""
    layers = tf_keras.layers
    if isinstance(layer, layers.SeparableConv2D):
        sides = layer.output.shape[1:3]
        return int(math.prod(sides) * sum(math.prod(k.shape) for k in (layer.depthwise_kernel, layer.pointwise_kernel)))
    if isinstance(layer, layers.DepthwiseConv2D):
        return int(math.prod(layer.output.shape[1:3]) * math.prod(layer.depthwise_kernel.shape))
    if type(layer) is layers.Conv2D:  # its kernel holds input channels / groups, so groups count right
        return int(math.prod(layer.output.shape[1:3]) * math.prod(layer.kernel.shape))
    if type(layer) is layers.Dense:
        return int(math.prod(layer.output.shape[1:-1]) * math.prod(layer.kernel.shape))
    if layer.weights and type(layer).__name__ not in _FREE:
        raise InputError(f"{layer.name}: the work of a {type(layer).__name__} is not known; add it to edgetl.nn.work.")
    return 0
