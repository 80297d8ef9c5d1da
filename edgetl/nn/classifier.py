"""The network of a recipe: backbone, pooling, head, logits; always one flat graph, so that every later tool accepts it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import tensorflow as tf
import tf_keras

from edgetl import registry
from edgetl.errors import InputError, did_you_mean
from edgetl.nn.freezing import BATCH_NORM_MOMENTUM
from edgetl.recipe import Dense, Dropout, Recipe


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
        self.moment = tf.Variable(
            [0, 0], dtype=tf.int32, trainable=False, name="moment", aggregation=tf.VariableAggregation.ONLY_FIRST_REPLICA
        )

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


def build_classifier(recipe: Recipe, classes: int, *, training: bool) -> tf_keras.Model:
    """Build the network of a recipe with random backbone weights and a seeded head.

    Args:
        recipe: the recipe.
        classes: number of classes.
        training: with dropout, the head's batch normalisation and its weight penalties; without, what comes after training:
            `settle` brings the weights over.

    Returns:
        Flat tf_keras model, float32 (N, px, px, 3) → float32 (N, classes) logits. Its backbone layers are named as the
        family names them, the head's `pool`, `head_1` …, `logits`.
    """
    backbone = registry.load("backbones", recipe.backbone.name).build(recipe.backbone)
    for layer in backbone.layers:
        if isinstance(layer, tf_keras.layers.BatchNormalization):
            layer.momentum = BATCH_NORM_MOMENTUM
    features = tf_keras.layers.GlobalAveragePooling2D(name="pool")(backbone.output)
    for layer in head_layers(recipe, classes, training=training):
        features = layer(features)
    return tf_keras.Model(backbone.input, features, name=recipe.backbone.name)


def insist_on(model: tf_keras.Model, names: Iterable[str], key: str) -> None:
    """Raise InputError, with all of them, when a network has not every layer that is named; before an hour of training.

    Args:
        model: the network.
        names: of layers.
        key: of the recipe that names them.
    """
    known = [layer.name for layer in model.layers]
    faults = [f"no layer named '{n}'. {did_you_mean(n, known).partition('Known:')[0]}".strip() for n in names if n not in known]
    if faults:
        raise InputError(f"{key}: names layers that the network does not have.", [*faults, f"It has: {', '.join(known)}."])


def head_layers(recipe: Recipe, classes: int, *, training: bool) -> Iterator[tf_keras.layers.Layer]:
    """Make the head's layers after the pooling, in order; see `build_classifier`."""
    head = recipe.head
    dense = dropouts = norms = 0
    for layer in head.layers:
        if isinstance(layer, Dropout):
            dropouts += 1
            if training:
                yield SeededDropout(layer.dropout, 100 + dropouts, name=f"drop_{dropouts}")
        elif layer == "batch_norm":
            norms += 1
            if training:
                yield tf_keras.layers.BatchNormalization(momentum=BATCH_NORM_MOMENTUM, epsilon=1e-3, name=f"norm_{norms}")
        elif isinstance(layer, Dense):
            dense += 1
            if training and head.dropout:
                yield SeededDropout(head.dropout, dense, name=f"dropout_{dense}")
            relu = layer.activation == "relu"
            penalty = layer.l2 if training else 0.0
            yield _dense(layer.dense, f"head_{dense}", recipe.seed + dense, "relu" if relu else None, penalty)
            if not relu:  # tensorflow-model-optimization knows relu6 as a layer only
                yield tf_keras.layers.ReLU(6.0, name=f"head_{dense}_relu6")
    if training and head.dropout:
        yield SeededDropout(head.dropout, 0, name="dropout_logits")
    yield _dense(classes, "logits", recipe.seed, None, head.l2 if training else 0.0)


def _dense(units: int, name: str, seed: int, activation: str | None, l2: float) -> tf_keras.layers.Layer:
    initializer = tf_keras.initializers.GlorotUniform(seed=seed)
    penalty = tf_keras.regularizers.L2(l2) if l2 else None
    return tf_keras.layers.Dense(
        units, activation=activation, kernel_initializer=initializer, kernel_regularizer=penalty, name=name
    )


def settle(trained: tf_keras.Model, plain: tf_keras.Model) -> None:
    """Bring the weights of a trained network over to the one that is converted.

    The head's batch normalisations, which stand before a dense layer, are folded into it: with s = gamma / sqrt(variance +
    epsilon) and t = beta - mean · s, the kernel becomes diag(s) · W and the bias b + t · W.

    Args:
        trained: built with `training=True`.
        plain: of the same recipe, built with `training=False`.
    """
    layers = {layer.name: layer for layer in trained.layers}
    names = [layer.name for layer in trained.layers]
    for layer in plain.layers:
        if layer.weights:
            layer.set_weights(layers[layer.name].get_weights())
    head = trained.layers[names.index("pool") + 1 :]
    scale, shift = np.float64(1.0), np.float64(0.0)
    for layer in head:
        if isinstance(layer, tf_keras.layers.BatchNormalization):
            gamma, beta, mean, variance = (w.astype(np.float64) for w in layer.get_weights())
            factor = gamma / np.sqrt(variance + layer.epsilon)
            scale, shift = scale * factor, shift * factor + beta - mean * factor
        elif isinstance(layer, tf_keras.layers.Dense):
            kernel, bias = (w.astype(np.float64) for w in layer.get_weights())
            folded = (np.reshape(scale, (-1, 1)) * kernel, bias + np.broadcast_to(shift, kernel.shape[:1]) @ kernel)
            plain.get_layer(layer.name).set_weights([w.astype(np.float32) for w in folded])
            scale, shift = np.float64(1.0), np.float64(0.0)
