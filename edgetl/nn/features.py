"""What a frozen backbone gives for images, computed once and kept on disk.

The backbone is frozen into one TensorFlow graph, in which batch normalisation is folded into the convolutions, so a pass costs
less than it does inside of a training step. Rows are appended as they come: memory does not depend on the number of images,
and an interrupted pass goes on where it stood.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
import tf_keras

from edgetl import registry
from edgetl.nn.augment import augment
from edgetl.nn.freezing import FIRST_OF_HEAD
from edgetl.nn.inference import Rows, normalised
from edgetl.nn.task import Features
from edgetl.recipe import Augment, Recipe
from edgetl.rowfile import RowFile

BATCH = 32
VALIDATION = "features_validation.npy"
Extractor = Callable[[tf.Tensor, tf.Tensor], tf.Tensor]


def view_file(number: int) -> str:
    """Name of the file with one view of the training images."""
    return f"features_view_{number}.npy"


def backbone(recipe: Recipe) -> tf_keras.Model:
    """Build a recipe's backbone alone, with random weights.

    Args:
        recipe: the recipe.

    Returns:
        float32 (N, px, px, 3) → feature map.
    """
    model: tf_keras.Model = registry.load("backbones", recipe.backbone.name).build(recipe.backbone)
    return model


def extractor(model: tf_keras.Model, recipe: Recipe, changes: Augment) -> Extractor:
    """Freeze the backbone as it is now.

    Args:
        model: image → logits (only the part up to the pooling is used), or a backbone alone, which is pooled here.
        recipe: says the normalisation.
        changes: random changes to the images.

    Returns:
        (uint8 (N, px, px, 3), int32 (2,) seed) → float32 (N, channels).
    """
    from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

    pooled = FIRST_OF_HEAD in [layer.name for layer in model.layers]
    part = tf_keras.Model(model.input, model.get_layer(FIRST_OF_HEAD).output) if pooled else model
    preprocess = recipe.preprocess
    specs = [tf.TensorSpec((None, preprocess.crop_px, preprocess.crop_px, 3), tf.uint8), tf.TensorSpec((2,), tf.int32)]

    @tf.function(input_signature=specs, autograph=False)  # type: ignore[untyped-decorator]
    def run(images: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
        changed = augment(normalised(images, preprocess), seed, changes, preprocess.input_range)
        values = part(changed, training=False)
        return values if pooled else tf.reduce_mean(values, axis=[1, 2])

    frozen = convert_variables_to_constants_v2(run.get_concrete_function())
    takes_seed = len(frozen.inputs) == 2  # without changes it is not in the graph

    def extract(images: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
        return (frozen(images, seed) if takes_seed else frozen(images))[0]

    return extract


def compute(
    model: tf_keras.Model,
    recipe: Recipe,
    training: Rows,
    validation: Rows,
    views: int,
    folder: Path,
    progress: Callable[[int, int], None] = lambda done, of: None,
) -> None:
    """Write the features of all images, with the weights as they are now.

    Args:
        model: image → logits, or a backbone.
        recipe: normalisation, changes, seed.
        training: uint8 (N, px, px, 3).
        validation: uint8 (M, px, px, 3); never changed.
        views: differently changed copies of each training image; 1 when nothing is changed.
        folder: where to; what an interrupted call left there is gone on from.
        progress: receives (images done, images in all).
    """
    total, before = views * len(training) + len(validation), 0
    jobs: list[tuple[str, Rows, Augment, int]] = [(VALIDATION, validation, Augment(), 0)]
    jobs += [(view_file(view), training, recipe.augment, view) for view in range(views)]
    extractors: dict[bool, Extractor] = {}
    for name, images, changes, view in jobs:
        if not (folder / name).exists():
            if changes.active not in extractors:
                extractors[changes.active] = extractor(model, recipe, changes)
            seed = (recipe.seed * 1009 + view) % 2**30

            def one(first: int, batch: np.ndarray, run: Any = extractors[changes.active], seed: int = seed) -> np.ndarray:
                found: np.ndarray = run(tf.constant(batch), tf.constant([seed, first], tf.int32)).numpy()
                return found

            _append(folder / name, images, one, lambda done, start=before: progress(start + done, total))  # type: ignore[misc]
        before += len(images)


def _append(path: Path, images: Rows, extract: Callable[[int, np.ndarray], np.ndarray], progress: Callable[[int], None]) -> None:
    """Fill one file, batch by batch."""
    partial = path.with_suffix(".partial")
    done = 0
    with partial.open("r+b" if partial.exists() else "w+b") as file:
        first = extract(0, images[:BATCH])
        header = _header((len(images), *first.shape[1:]))
        row_bytes = first[0].nbytes
        size = file.seek(0, io.SEEK_END)
        if size > len(header):
            done = (size - len(header)) // row_bytes // BATCH * BATCH
        else:
            file.seek(0)
            file.write(header)
        file.seek(len(header) + done * row_bytes)
        file.truncate()
        for row in range(done, len(images), BATCH):
            values = first if row == 0 else extract(row, images[row : row + BATCH])
            if not np.isfinite(values).all():
                raise FloatingPointError("the backbone gives values that are not finite; its weights are damaged.")
            file.write(values.tobytes())
            progress(min(row + BATCH, len(images)))
    partial.rename(path)


def _header(shape: tuple[int, ...]) -> bytes:
    file = io.BytesIO()
    np.lib.format.write_array_header_1_0(file, {"descr": "<f4", "fortran_order": False, "shape": shape})
    return file.getvalue()


def load(folder: Path, views: int) -> Features:
    """Open what `compute` wrote; rows are read when they are asked for.

    Args:
        folder: where it lies.
        views: how many of the views to use.

    Returns:
        The features.
    """
    return Features(
        views=tuple(RowFile(folder / view_file(view)) for view in range(views)), validation=RowFile(folder / VALIDATION)
    )
