"""A frozen graph as a layer: something that computes features and has nothing to learn."""

from __future__ import annotations

from typing import Any

import tensorflow as tf
import tf_keras


class FrozenLayer(tf_keras.layers.Layer):  # type: ignore[misc]
    """Calls a graph whose weights are constants."""

    def __init__(self, function: Any, **options: Any) -> None:
        """Make the layer.

        Args:
            function: tf.ConcreteFunction of one tensor that gives one tensor, without variables.
            options: of the base class.
        """
        super().__init__(trainable=False, **options)
        self.function = function

    def call(self, values: tf.Tensor) -> tf.Tensor:
        """Compute the graph.

        Args:
            values: what the graph takes.

        Returns:
            What it gives.
        """
        found = self.function(values)
        result = found[0] if isinstance(found, list | tuple) else found
        result.set_shape([None, *self.function.outputs[0].shape[1:]])
        return result
