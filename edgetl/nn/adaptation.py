"""Learning about a target whose labels are not known: its statistics, and the network's own confident answers."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import tensorflow as tf
import tf_keras

from edgetl.errors import InputError
from edgetl.nn import freezing, supervised
from edgetl.nn.augment import augment
from edgetl.nn.batches import Examples
from edgetl.nn.inference import Rows, Score, normalised, predict, scorer
from edgetl.nn.task import Task
from edgetl.nn.training import Stretch
from edgetl.recipe import Phase
from edgetl.rowfile import RowFile

_LEAST = 1e-12
_MOMENTUM = 0.9
"""Of the statistics that are to be forgotten; after fifty batches half a percent of them is left."""


def statistics(task: Task, phase: Phase) -> Stretch:
    """Let batch normalisation follow the unlabelled images, and change nothing else.

    Args:
        task: network and images.
        phase: a phase with method `adaptive_batch_norm`.

    Returns:
        What the loop runs. Its loss is the mean entropy of the network's answers, which falls as the images become less strange.
    """
    images = unlabelled(task, phase)
    network, preprocess = task.model, task.recipe.preprocess

    def prepare(epoch: int) -> None:
        for layer in network.layers:
            layer.trainable = isinstance(layer, tf_keras.layers.BatchNormalization)
            if layer.trainable:
                layer.momentum = _MOMENTUM

    def entropy(pixels: tf.Tensor, labels: tf.Tensor, weight: tf.Tensor, moment: tf.Tensor) -> tf.Tensor:
        answers = tf.nn.softmax(network(normalised(pixels, preprocess), training=True))
        return -tf.reduce_mean(tf.reduce_sum(answers * tf.math.log(answers + _LEAST), axis=1))

    examples = Examples(inputs=images, labels=np.full(len(images), -1, np.int64))
    return Stretch(
        phase=phase,
        network=network,
        examples=lambda epoch: examples,
        loss=entropy,
        score=last(task),
        prepare=prepare,
        learns=False,
    )


def own_answers(task: Task, phase: Phase) -> Stretch:
    """Learn from the labelled images and from those unlabelled ones on which the network is sure, asked anew in each epoch.

    Args:
        task: network and images.
        phase: a phase with method `pseudo_labels`.

    Returns:
        What the loop runs.
    """
    images = unlabelled(task, phase)
    recipe, network, known = task.recipe, task.model, task.training
    pixels = known.pixels
    if not isinstance(pixels, RowFile) or not isinstance(images, RowFile):
        raise TypeError("pseudo_labels needs its images in one file")

    def examples(epoch: int) -> Examples:
        logits = predict(network, images, recipe.preprocess).astype(np.float64)
        powers = np.exp(logits - logits.max(axis=1, keepdims=True))
        answers = powers / powers.sum(axis=1, keepdims=True)
        sure = np.flatnonzero(answers.max(axis=1) >= phase.confidence)
        labels = np.concatenate([known.labels, answers[sure].argmax(axis=1).astype(np.int64)])
        return Examples(inputs=pixels.joined(images.view(sure)), labels=labels, importance=supervised.importance(labels, phase))

    def loss(batch: tf.Tensor, labels: tf.Tensor, weight: tf.Tensor, moment: tf.Tensor) -> tf.Tensor:
        changed = augment(normalised(batch, recipe.preprocess), moment, recipe.augment, recipe.preprocess.input_range)
        logits = network(changed, training=True)
        targets = supervised.smoothed(labels, int(logits.shape[-1]), phase.label_smoothing)
        return supervised.cross_entropy(logits, targets, weight)

    return Stretch(
        phase=phase,
        network=network,
        examples=examples,
        loss=loss,
        score=last(task),
        prepare=lambda epoch: freezing.freeze(network, phase, epoch),
    )


def unlabelled(task: Task, phase: Phase) -> Rows:
    """The images without labels.

    Args:
        task: the task.
        phase: for the message.

    Returns:
        uint8 (N, px, px, 3).

    Raises:
        InputError: there are none.
    """
    if task.unlabelled is None:
        raise InputError(
            f"phase {phase.phase}: {phase.method} learns from photos without labels, and there are none: "
            "every training image's label is used. Add a section 'unlabelled', or lower labels.share."
        )
    return task.unlabelled


def last(task: Task) -> Callable[[], Score]:
    """Judge by the labelled images' validation split for the record, but keep the last weights: it is not the target.

    Args:
        task: the task.

    Returns:
        A score function.
    """
    network, preprocess = task.model, task.recipe.preprocess
    validation = task.validation
    judge = scorer(lambda x: network(normalised(x, preprocess), training=False), validation.pixels, validation.labels)
    return lambda: Score(None, judge().shown)
