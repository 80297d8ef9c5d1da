"""The quantizers that int8 networks are trained with, in place of tensorflow-model-optimization's own."""

from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow as tf
from tensorflow_model_optimization.python.core.quantization.keras import quantizers


class KernelQuantizer(quantizers.LastValueQuantizer):  # type: ignore[misc]
    """Symmetric int8, -127 to 127, one range for each output channel: the largest magnitude, but at least `floor`.

    Why a floor: a runtime adds the bias as int32 in steps of (input's step × weight's step). Where a channel's weights have all
    but died, that step is so small that the bias would overflow, silently (see `edgetl.nn.bias_room`).
    """

    def __init__(self) -> None:
        """Make the quantizer; its floor is 0."""
        super().__init__(num_bits=8, per_axis=True, symmetric=True, narrow_range=True)
        self.floor: np.ndarray | float = 0.0

    def __call__(self, inputs: Any, training: Any, weights: dict[str, Any], **options: Any) -> Any:
        """Round a kernel whose last axis is the output channels; in training, take the ranges from it first."""
        if training:
            largest = tf.reduce_max(tf.abs(inputs), axis=list(range(len(inputs.shape) - 1)))
            largest = tf.maximum(largest, tf.constant(self.floor, tf.float32))
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
