"""The network of a recipe: backbone, pooling, head, logits; always one flat graph, so that every later tool accepts it."""

from __future__ import annotations

from typing import Any

import tensorflow as tf
import tf_keras

from edgetl import registry
from edgetl.recipe import Recipe

BATCH_NORM_MOMENTUM = 0.95
"""Where a phase lets batch normalisation follow the batches, it must get there within a small data set's few hundred steps;
Keras' MobileNetV2 is built with 0.999, which takes thousands."""


class SeededDropout(tf_keras.layers.Layer):  # type: ignore[misc]
    """Dropout whose mask depends only on (seed, position in training), so that a resumed run equals an undisturbed one.

    Keras' own layer keeps hidden counters that a restart loses. `moment` is set by the training loop before each step.
    """

    def __init__(self, rate: float, salt: int, **options: Any) -> None:
        """Make the layer.

        Args:
            rate: share of values set to zero in training, 0 to below 1.
            salt: tells this layer's masks from those of the others.
            options: of the base class.
        """
        super().__init__(**options)
        self.rate, self.salt = rate, salt
        self.moment = tf.Variable([0, 0], dtype=tf.int32, trainable=False, name="moment")

    def call(self, values: tf.Tensor, training: Any = None) -> tf.Tensor:
        """Drop values in training, pass them through otherwise.

        Args:
            values: float32, any shape.
            training: whether this is a training step.

        Returns:
            float32, the same shape; kept values are scaled by 1 / (1 - rate).
        """
        if not training:
            return values
        seed = self.moment + tf.constant([self.salt, 0], tf.int32)
        return tf.nn.experimental.stateless_dropout(values, rate=self.rate, seed=seed)


def build_classifier(recipe: Recipe, classes: int, *, dropout: bool) -> tf_keras.Model:
    """Build the network of a recipe with random backbone weights and a seeded head.

    Args:
        recipe: the recipe.
        classes: number of classes.
        dropout: with dropout layers, for training; without, for everything that comes after. The weights are the same.

    Returns:
        Flat tf_keras model, float32 (N, px, px, 3) → float32 (N, classes) logits. Its backbone layers are named as the
        family names them, the head's `pool`, `head_1` …, `logits`.
    """
    backbone = registry.load("backbones", recipe.backbone.name).build(recipe.backbone)
    for layer in backbone.layers:
        if isinstance(layer, tf_keras.layers.BatchNormalization):
            layer.momentum = BATCH_NORM_MOMENTUM
    features = tf_keras.layers.GlobalAveragePooling2D(name="pool")(backbone.output)
    for index, layer in enumerate(recipe.head.layers, start=1):
        if dropout and recipe.head.dropout:
            features = SeededDropout(recipe.head.dropout, index, name=f"dropout_{index}")(features)
        relu = (
            None if layer.activation == "relu6" else layer.activation
        )  # tensorflow-model-optimization knows relu6 as a layer only
        features = _dense(layer.dense, f"head_{index}", recipe.seed + index, relu)(features)
        if layer.activation == "relu6":
            features = tf_keras.layers.ReLU(6.0, name=f"head_{index}_relu6")(features)
    if dropout and recipe.head.dropout:
        features = SeededDropout(recipe.head.dropout, 0, name="dropout_logits")(features)
    logits = _dense(classes, "logits", recipe.seed, None)(features)
    return tf_keras.Model(backbone.input, logits, name=recipe.backbone.name)


def _dense(units: int, name: str, seed: int, activation: str | None) -> tf_keras.layers.Layer:
    initializer = tf_keras.initializers.GlorotUniform(seed=seed)
    return tf_keras.layers.Dense(units, activation=activation, kernel_initializer=initializer, name=name)


def copy_weights(source: tf_keras.Model, target: tf_keras.Model) -> None:
    """Copy weights by layer name; every layer of `target` that has weights must be in `source`.

    Args:
        source: the model that is read.
        target: the model that is written.
    """
    layers = {layer.name: layer for layer in source.layers}
    for layer in target.layers:
        if layer.weights:
            layer.set_weights(layers[layer.name].get_weights())
