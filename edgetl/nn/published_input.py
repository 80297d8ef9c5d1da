"""The pixels that published networks were trained on, made from edgetl's by an ordinary 1x1 convolution.

edgetl feeds (byte - 128) / 127.5, RGB. Some published weights expect something else:

- `minus_one_to_one`: byte / 127.5 - 1, taken as edgetl's own (MobileNet);
- `zero_to_one`: byte / 255 (TensorFlow Hub);
- `bytes`: the byte (networks with a Rescaling layer);
- `caffe`: BGR, byte - mean of the channel (VGG, ResNet);
- `torch`: RGB, (byte / 255 - mean) / deviation (DenseNet).

The constants cannot be folded into the next convolution: it pads with zeros, and a zero means the mean colour, not edgetl's
grey. So they stand in a convolution of their own, which quantizes like any other: its input has one step a byte.
"""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import tf_keras

LAYER = "normalise"
"""Name of the convolution."""
Convention = Literal["minus_one_to_one", "zero_to_one", "bytes", "caffe", "torch"]

_HALF_RANGE, _CENTRE = 127.5, 128.0
"""edgetl's pixel = (byte - centre) / half range."""
_CAFFE_MEAN = (103.939, 116.779, 123.68)
"""Blue, green, red, in bytes. Source: keras.applications imagenet_utils (after the VGG authors' models)."""
_TORCH_MEAN, _TORCH_DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""Red, green, blue, in parts of 255. Source: keras.applications imagenet_utils (after torchvision)."""


def constants(convention: Convention) -> list[np.ndarray]:
    """Give the weights of the convolution.

    Args:
        convention: what the published network expects.

    Returns:
        Kernel float32 (1, 1, 3, 3), input RGB → output in the network's order, and bias float32 (3,).
    """
    kernel, bias = np.eye(3), np.zeros(3)
    if convention == "zero_to_one":
        kernel, bias = np.eye(3) * (_HALF_RANGE / 255.0), np.full(3, _CENTRE / 255.0)
    elif convention == "bytes":
        kernel, bias = np.eye(3) * _HALF_RANGE, np.full(3, _CENTRE)
    elif convention == "caffe":
        kernel, bias = np.fliplr(np.eye(3)) * _HALF_RANGE, _CENTRE - np.array(_CAFFE_MEAN)
    elif convention == "torch":
        deviation = np.array(_TORCH_DEVIATION)
        kernel = np.diag(_HALF_RANGE / 255.0 / deviation)
        bias = (_CENTRE / 255.0 - np.array(_TORCH_MEAN)) / deviation
    return [kernel.reshape(1, 1, 3, 3).astype(np.float32), bias.astype(np.float32)]


def normalise(image: Any, convention: Convention) -> Any:
    """Add the convolution to a network; random weights are never drawn for it.

    Args:
        image: symbolic float32 (N, height, width, 3), (byte - 128) / 127.5, RGB.
        convention: what the published network expects.

    Returns:
        Symbolic float32 (N, height, width, 3); the image itself where nothing has to be done.
    """
    return image if convention == "minus_one_to_one" else convolution(image, constants(convention))


def convolution(image: Any, weights: list[np.ndarray]) -> Any:
    """Add a convolution named `normalise` with these weights.

    Args:
        image: symbolic float32 (N, height, width, 3).
        weights: kernel float32 (1, 1, 3, 3) and bias (3,).

    Returns:
        Symbolic float32 (N, height, width, 3).
    """
    kernel, bias = (tf_keras.initializers.Constant(values) for values in weights)
    return tf_keras.layers.Conv2D(3, 1, kernel_initializer=kernel, bias_initializer=bias, name=LAYER)(image)


def adapt(arrays: dict[str, list[np.ndarray]], convention: Convention) -> dict[str, list[np.ndarray]]:
    """Add the convolution's constants to what was read from a file that does not have them.

    Args:
        arrays: layer name → float weights in Keras' order.
        convention: what the published network expects.

    Returns:
        The same with `normalise`; the very same when the file has it, because it was saved from edgetl's own network.
    """
    return arrays if LAYER in arrays else {**arrays, LAYER: constants(convention)}
