"""What a way of transfer is given: the network, the images, and what is kept between runs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import tensorflow as tf
import tf_keras

from edgetl.nn.inference import Images, Rows
from edgetl.recipe import Recipe
from edgetl.rowfile import RowFile


@dataclass(frozen=True, slots=True, kw_only=True)
class Features:
    """What a frozen backbone gives for images, after pooling: float32 (N, channels) each."""

    views: tuple[RowFile, ...]
    """Of the training images: one for each set of changed copies; the first and only one when nothing is changed."""
    validation: RowFile


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One network and the images it is to learn from."""

    recipe: Recipe
    model: tf_keras.Model
    """Image → logits, built for training; holds the weights as they are now."""
    training: Images
    """The images whose labels may be used."""
    validation: Images
    label_sets: np.ndarray | None = None
    """bool (sets, classes): what a label stands for where images may have several; None = a class."""
    unlabelled: Rows | None = None
    """uint8 (N, px, px, 3): images whose labels are not known or may not be used."""
    labelled_rows: np.ndarray | None = None
    """int64: which rows of the kept features belong to `training`; None = all."""
    features: Callable[[int], Features] = field(default=lambda views: _missing())
    """Number of views → the backbone's features of all training images and the validation images, with its weights of now."""
    teacher: Callable[[tf.Tensor], tf.Tensor] | None = None
    """Normalised images → the teacher's logits."""
    folder: Path = Path()
    """Where the run may keep files."""


def _missing() -> Features:
    raise LookupError("this task was given no way to compute features")
