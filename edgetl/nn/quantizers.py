"""The quantizers that int8 networks are trained with, in place of tensorflow-model-optimization's own."""

from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow as tf
from tensorflow_model_optimization.python.core.quantization.keras import quantizers

from edgetl.nn.half_steps import up_tensor

_LEVELS = 127
_LEAST = 1e-6
"""Of a range: a kernel of zeros has one too."""


class KernelQuantizer(quantizers.LastValueQuantizer):  # type: ignore[misc]
    """Symmetric int8, -127 to 127, one range for each output channel: the largest magnitude, but at least `floor`.

    Why a floor: a runtime adds the bias as int32 in steps of (input's step × weight's step). Where a channel's weights have all
    but died, that step is so small that the bias would overflow, silently (see `edgetl.nn.bias_room`).

    The range is a little wider, so that the step is a half-precision number once batch normalisation has multiplied the channel
    by `fold` (see `edgetl.nn.half_steps`).
    """

    def __init__(self) -> None:
        """Make the quantizer; its floor is 0, and nothing is folded in."""
        super().__init__(num_bits=8, per_axis=True, symmetric=True, narrow_range=True)
        self.floor: np.ndarray | float = 0.0
        self.fold: np.ndarray | float = 1.0
        self.source_step = 1.0
        """Of the layer's input."""

    def __call__(self, inputs: Any, training: Any, weights: dict[str, Any], **options: Any) -> Any:
        """Round a kernel whose last axis is the output channels; in training, take the ranges from it first."""
        if training:
            largest = tf.reduce_max(tf.abs(inputs), axis=list(range(len(inputs.shape) - 1)))
            largest = tf.maximum(largest, tf.constant(self.floor, tf.float32))
            factor = tf.constant(self.fold, tf.float32) / _LEVELS
            largest = up_tensor(largest * factor) / factor
            weights["min_var"].assign(-largest)
            weights["max_var"].assign(largest)
        low, high = weights["min_var"], weights["max_var"]
        return tf.quantization.fake_quant_with_min_max_vars_per_channel(inputs, low, high, num_bits=8, narrow_range=True)


class DepthwiseKernelQuantizer(KernelQuantizer):
    """The same for a depthwise kernel (h, w, c, m): c·m ranges, where tensorflow-model-optimization has one for all channels."""

    def build(self, tensor_shape: Any, name: str, layer: Any) -> dict[str, Any]:
        """Add the range variables, float32 (c·m,), to the wrapped layer."""
        return super().build(tf.TensorShape([tensor_shape[2] * tensor_shape[3]]), name, layer)  # type: ignore[no-any-return]

    def __call__(self, inputs: Any, training: Any, weights: dict[str, Any], **options: Any) -> Any:
        """Round the kernel as (h, w, 1, c·m) and give it back as (h, w, c, m)."""
        height, width, channels, multiplier = inputs.shape
        flat = tf.reshape(inputs, (height, width, 1, channels * multiplier))
        return tf.reshape(super().__call__(flat, training, weights, **options), inputs.shape)


class DenseQuantizer(quantizers.LastValueQuantizer):  # type: ignore[misc]
    """Symmetric int8, -127 to 127, one range for a whole kernel, whose step is a half-precision number."""

    def __init__(self) -> None:
        """Make the quantizer."""
        super().__init__(num_bits=8, per_axis=False, symmetric=True, narrow_range=True)
        self.fold = self.source_step = 1.0

    def __call__(self, inputs: Any, training: Any, weights: dict[str, Any], **options: Any) -> Any:
        """Round a kernel; in training, take the range from it first."""
        if training:
            largest = tf.maximum(tf.reduce_max(tf.abs(inputs)), _LEAST)
            largest = up_tensor(largest / _LEVELS) * _LEVELS
            weights["min_var"].assign(-largest)
            weights["max_var"].assign(largest)
        return super().__call__(inputs, False, weights, **options)


class PinnedQuantizer(quantizers.MovingAverageQuantizer):  # type: ignore[misc]
    """Asymmetric int8 in a range that training does not move: it was measured, and is shared where values are added."""

    def __init__(self) -> None:
        """Make the quantizer."""
        super().__init__(num_bits=8, per_axis=False, symmetric=False, narrow_range=False)

    def __call__(self, inputs: Any, training: Any, weights: dict[str, Any], **options: Any) -> Any:
        """Round to the grid; values outside are cut off."""
        return super().__call__(inputs, False, weights, **options)


class OpenQuantizer:
    """Lets values pass as they are: in layers that stay in float."""

    def __call__(self, inputs: Any, training: Any, weights: dict[str, Any], **options: Any) -> Any:
        """Return the values."""
        return inputs
