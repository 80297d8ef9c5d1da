"""Barlow Twins: a backbone learns from images without labels that two changed copies of one image should look alike to it.

Zbontar et al., 2021, arXiv:2103.03230: the cross-correlation of the two copies' embeddings over a batch is drawn towards the
identity; its diagonal makes them alike, the rest keeps the features from saying the same thing twice.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow as tf
import tf_keras

from edgetl.errors import InputError
from edgetl.nn import freezing
from edgetl.nn.augment import augment
from edgetl.nn.batches import Examples
from edgetl.nn.inference import Rows, Score, normalised
from edgetl.nn.task import Task
from edgetl.nn.training import Stretch
from edgetl.recipe import Phase
from edgetl.rowfile import RowFile

OFF_DIAGONAL = 0.005
"""Weight of the off-diagonal terms (paper, section 4.1: λ = 5 · 10⁻³)."""
PROJECTION = 512
"""Width of the projector's two layers; the paper's is 8192 for ResNet-50 on ImageNet, made smaller with the backbone."""
_OTHER_COPY = 1 << 29
_LEAST = 1e-5


def stretch(task: Task, phase: Phase) -> Stretch:
    """Make the phase.

    Args:
        task: network and images; labels are not looked at.
        phase: a phase with method `barlow_twins`.

    Returns:
        What the loop runs; its network is the backbone with a projector that is thrown away afterwards.

    Raises:
        InputError: the recipe changes no image, so that there is nothing to learn.
    """
    recipe, model = task.recipe, task.model
    if not recipe.augment.active:
        raise InputError(f"phase {phase.phase}: barlow_twins learns from changed copies: give the recipe an 'augment' section.")
    images = _all(task)
    place = [layer.name for layer in model.layers].index(freezing.FIRST_OF_HEAD)
    network = tf_keras.Model(model.input, _project(model.layers[place].output, recipe.seed), name="twins")
    preprocess = recipe.preprocess

    def copy(pixels: tf.Tensor, moment: tf.Tensor) -> tf.Tensor:
        return network(augment(pixels, moment, recipe.augment, preprocess.input_range), training=True)

    def loss(batch: tf.Tensor, labels: tf.Tensor, weight: tf.Tensor, moment: tf.Tensor) -> tf.Tensor:
        pixels = normalised(batch, preprocess)
        other = moment + tf.constant([_OTHER_COPY, 0], tf.int32)
        return redundancy(copy(pixels, moment), copy(pixels, other))

    examples = Examples(inputs=images, labels=np.full(len(images), -1, np.int64))
    return Stretch(
        phase=phase,
        network=network,
        examples=lambda epoch: examples,
        loss=loss,
        score=lambda: Score(None, {}),
        prepare=lambda epoch: freezing.freeze(model, phase, epoch),
    )


def redundancy(one: tf.Tensor, other: tf.Tensor) -> tf.Tensor:
    """The loss of the paper's equation 1.

    Args:
        one: float32 (N, D), embeddings of one copy of each image.
        other: float32 (N, D), of the other.

    Returns:
        Scalar; 0 when every feature is the same in both copies and no two features go together.
    """
    count = tf.cast(tf.shape(one)[0], tf.float32)
    correlation = tf.matmul(_standardised(one), _standardised(other), transpose_a=True) / count
    diagonal = tf.linalg.diag_part(correlation)
    rest = tf.reduce_sum(tf.square(correlation)) - tf.reduce_sum(tf.square(diagonal))
    return tf.reduce_sum(tf.square(1.0 - diagonal)) + OFF_DIAGONAL * rest


def _standardised(values: tf.Tensor) -> tf.Tensor:
    mean, variance = tf.nn.moments(values, axes=[0])
    return (values - mean) / tf.sqrt(variance + _LEAST)


def _project(features: Any, seed: int) -> Any:
    initializers = (tf_keras.initializers.GlorotUniform(seed=seed + number) for number in range(2))
    first, second = (
        tf_keras.layers.Dense(PROJECTION, use_bias=False, kernel_initializer=initializer, name=f"twin_{number}")
        for number, initializer in enumerate(initializers, start=1)
    )
    hidden = tf_keras.layers.BatchNormalization(momentum=0.9, name="twin_norm")(first(features))
    return second(tf_keras.layers.ReLU(name="twin_relu")(hidden))


def _all(task: Task) -> Rows:
    """Every training image, whether its label is known or not."""
    pixels = task.training.pixels
    if task.unlabelled is None:
        return pixels
    if not isinstance(pixels, RowFile) or not isinstance(task.unlabelled, RowFile):
        raise TypeError("barlow_twins needs its images in one file")
    return pixels.joined(task.unlabelled)
