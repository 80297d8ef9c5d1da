"""Learning from labels: the loss, and the phase around it, on images or on kept features of a frozen backbone."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import tensorflow as tf
import tf_keras

from edgetl.nn import freezing, mixing
from edgetl.nn.augment import augment
from edgetl.nn.batches import Examples
from edgetl.nn.constraints import Constraint
from edgetl.nn.inference import Images, normalised, scorer
from edgetl.nn.task import Task
from edgetl.nn.training import Loss, Stretch
from edgetl.recipe import Augment, Distill, Phase
from edgetl.types import Preprocess

_PLAIN = Augment()
Teacher = Callable[[tf.Tensor], tf.Tensor]


def stretch(task: Task, phase: Phase) -> Stretch:
    """Make the phase of a recipe.

    Args:
        task: network and images.
        phase: a phase with method `supervised`.

    Returns:
        What the loop runs: on features when the whole backbone is frozen and they are to be kept, else on images.
    """
    if phase.cached:
        return _on_features(task, phase)
    recipe = task.recipe
    labels = task.training.labels
    return on_images(
        task.model,
        phase,
        Examples(inputs=task.training.pixels, labels=labels, importance=importance(labels, phase)),
        task.validation,
        recipe.preprocess,
        changes=recipe.augment,
        teacher=task.teacher if phase.distill else None,
        distill=recipe.distill,
        prepare=lambda epoch: freezing.freeze(task.model, phase, epoch),
        shares=_shares(task.model, phase),
        label_sets=task.label_sets,
    )


def on_images(
    network: tf_keras.Model,
    phase: Phase,
    examples: Examples,
    validation: Images,
    preprocess: Preprocess,
    *,
    changes: Augment = _PLAIN,
    teacher: Teacher | None = None,
    distill: Distill | None = None,
    prepare: Callable[[int], None] = lambda epoch: None,
    shares: dict[str, float] | None = None,
    constraint: Constraint | None = None,
    label_sets: np.ndarray | None = None,
) -> Stretch:
    """Make a phase that trains a network on labelled images.

    Args:
        network: image → logits.
        phase: its settings.
        examples: uint8 pixels with labels.
        validation: images that choose the best epoch.
        preprocess: normalisation of both.
        changes: random changes to the training images.
        teacher: normalised images → logits of a network to learn from too.
        distill: how much; needed with `teacher`.
        prepare: sets which layers learn in an epoch.
        shares: name of a variable → its share of the learning rate.
        constraint: that weights are held to.
        label_sets: bool (sets, classes), what a label stands for where images may have several; None = a class.

    Returns:
        What the loop runs.
    """
    error = cross_entropy if label_sets is None else binary_cross_entropy

    def loss(images: tf.Tensor, labels: tf.Tensor, weight: tf.Tensor, moment: tf.Tensor) -> tf.Tensor:
        changed = augment(normalised(images, preprocess), moment, changes, preprocess.input_range)
        targets = smoothed(labels, int(network.output.shape[-1]), phase.label_smoothing, label_sets)
        changed, targets = mixing.mix(changed, targets, moment, phase.mixup, phase.cutmix)
        logits = network(changed, training=True)
        found = error(logits, targets, weight)
        if teacher is None or distill is None:
            return found
        return (1.0 - distill.weight) * found + distill.weight * imitation(logits, teacher(changed), distill.temperature)

    return Stretch(
        phase=phase,
        network=network,
        examples=lambda epoch: examples,
        loss=loss,
        score=scorer(
            lambda x: network(normalised(x, preprocess), training=False), validation.pixels, validation.labels, label_sets
        ),
        prepare=prepare,
        changes=lambda epoch: phase.unfreeze is not None and epoch > 0 and epoch % phase.unfreeze.every == 0,
        shares=shares or {},
        constraint=constraint,
    )


def _on_features(task: Task, phase: Phase) -> Stretch:
    """Train the head alone, on what the frozen backbone gave for each image."""
    features = task.features(phase.views if task.recipe.augment.active else 1)
    freezing.freeze(task.model, phase)
    network = head(task.model)
    labels = task.training.labels
    weights = importance(labels, phase)
    rows = np.arange(len(labels)) if task.labelled_rows is None else task.labelled_rows
    views = [view.view(rows) for view in features.views]
    error = cross_entropy if task.label_sets is None else binary_cross_entropy

    def loss(values: tf.Tensor, wanted: tf.Tensor, weight: tf.Tensor, moment: tf.Tensor) -> tf.Tensor:
        logits = network(values, training=True)
        return error(logits, smoothed(wanted, int(logits.shape[-1]), phase.label_smoothing, task.label_sets), weight)

    return Stretch(
        phase=phase,
        network=network,
        examples=lambda epoch: Examples(inputs=views[epoch % len(views)], labels=labels, importance=weights),
        loss=loss,
        small=True,
        score=scorer(lambda x: network(x, training=False), features.validation, task.validation.labels, task.label_sets),
    )


def head(model: tf_keras.Model) -> tf_keras.Model:
    """Cut the head off a network; the layers, and so the weights, are the same ones.

    Args:
        model: built by `edgetl.nn.classifier`.

    Returns:
        float32 (N, channels), pooled features → logits.
    """
    place = [layer.name for layer in model.layers].index(freezing.FIRST_OF_HEAD)
    values = features = tf_keras.Input(model.layers[place].output.shape[1:], name="features")
    for layer in model.layers[place + 1 :]:
        values = layer(values)
    return tf_keras.Model(features, values, name="head")


def importance(labels: np.ndarray, phase: Phase) -> np.ndarray | None:
    """How much each image counts: N / (classes · images of its class) when the classes are to be balanced.

    Args:
        labels: int64 (N,).
        phase: says whether.

    Returns:
        float32 (N,), mean 1; None = all the same.
    """
    if phase.class_weights == "none":
        return None
    counts = np.bincount(labels)
    present = counts > 0
    weights = np.zeros(len(counts))
    weights[present] = len(labels) / (present.sum() * counts[present])
    found: np.ndarray = weights[labels].astype(np.float32)
    return found


def _shares(model: tf_keras.Model, phase: Phase) -> dict[str, float]:
    if phase.layer_decay == 1.0:
        return {}
    by_layer = freezing.rates(model, phase.layer_decay)
    return {weight.name: by_layer[layer.name] for layer in model.layers for weight in layer.weights}


def smoothed(labels: tf.Tensor, classes: int, smoothing: float, label_sets: np.ndarray | None = None) -> tf.Tensor:
    """One row a label: 1 - smoothing on the class, and `smoothing` spread over all (Szegedy et al., 2016, section 7).

    Args:
        labels: int64 (N,).
        classes: how many there are.
        smoothing: 0 to below 1.
        label_sets: bool (sets, classes), where images may have several labels: each class is then smoothed towards one half.

    Returns:
        float32 (N, classes).
    """
    if label_sets is not None:
        return tf.gather(tf.constant(label_sets, tf.float32), labels) * (1.0 - smoothing) + smoothing / 2.0
    return tf.one_hot(labels, classes) * (1.0 - smoothing) + smoothing / classes


def cross_entropy(logits: tf.Tensor, targets: tf.Tensor, weight: tf.Tensor) -> tf.Tensor:
    """Mean cross-entropy over a batch.

    Args:
        logits: float32 (N, classes).
        targets: float32 (N, classes), rows that make 1.
        weight: float32 (N,), how much each counts.

    Returns:
        Scalar: the sum of weight · loss over N.
    """
    return tf.reduce_mean(weight * tf.nn.softmax_cross_entropy_with_logits(targets, logits))


def binary_cross_entropy(logits: tf.Tensor, targets: tf.Tensor, weight: tf.Tensor) -> tf.Tensor:
    """Mean cross-entropy over a batch, each class on its own, as Keras' binary cross-entropy.

    Args:
        logits: float32 (N, classes).
        targets: float32 (N, classes), 0 to 1.
        weight: float32 (N,), how much each image counts.

    Returns:
        Scalar: the sum of weight · mean over the classes, over N.
    """
    return tf.reduce_mean(weight * tf.reduce_mean(tf.nn.sigmoid_cross_entropy_with_logits(targets, logits), axis=1))


def imitation(logits: tf.Tensor, wanted: tf.Tensor, temperature: float) -> tf.Tensor:
    """Cross-entropy to a teacher's softened answers, times temperature² (Hinton et al., 2015, section 2).

    Args:
        logits: float32 (N, classes), the student's.
        wanted: float32 (N, classes), the teacher's.
        temperature: divides both.

    Returns:
        Scalar.
    """
    soft = tf.nn.softmax(wanted / temperature)
    return temperature**2 * tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits(soft, logits / temperature))


__all__ = ["Loss", "head", "importance", "on_images", "stretch"]
