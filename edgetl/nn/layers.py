"""Layers that Keras 2 does not have."""

from __future__ import annotations

from typing import Any

import tensorflow as tf
import tf_keras


@tf_keras.utils.register_keras_serializable(package="edgetl")
class HardSwish(tf_keras.layers.Layer):  # type: ignore[misc]
    """x · relu6(x + 3) / 6 as one layer, so that a quantizer sees one output, not four.

    Written in the order of operations that the TFLite converter fuses into its HARD_SWISH operator.
    """

    def call(self, values: tf.Tensor) -> tf.Tensor:
        """Apply the activation.

        Args:
            values: float32, any shape.

        Returns:
            float32, the same shape; at least -0.375.
        """
        return values * tf.nn.relu6(values + 3.0) * (1.0 / 6.0)

    def get_config(self) -> dict[str, Any]:
        """Return name, dtype and trainability; the layer has no settings of its own."""
        return dict(super().get_config())


@tf_keras.utils.register_keras_serializable(package="edgetl")
class Sigmoid(tf_keras.layers.Layer):  # type: ignore[misc]
    """1 / (1 + exp(-x)) as a layer of its own, so that a quantizer sees its output.

    A swish is this layer and a Multiply of its input with its output. `OUTPUT_RANGE` is the one range that TFLite's LOGISTIC
    may have in int8: steps of 1/256 from zero point -128 on, whatever was seen in calibration.

    Source: TensorFlow Lite, "8-bit quantization specification", LOGISTIC.
    """

    OUTPUT_RANGE = (0.0, 255.0 / 256.0)

    def call(self, values: tf.Tensor) -> tf.Tensor:
        """Apply the activation.

        Args:
            values: float32, any shape.

        Returns:
            float32, the same shape; 0 to 1.
        """
        return tf.sigmoid(values)

    def get_config(self) -> dict[str, Any]:
        """Return name, dtype and trainability; the layer has no settings of its own."""
        return dict(super().get_config())
