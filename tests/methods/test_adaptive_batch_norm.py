"""Adaptive batch normalisation: statistics of the target, no weight moved, better answers there."""

import numpy as np
import pytest

from edgetl.errors import InputError
from edgetl.recipe import Phase


def test_statistics_follow_the_target_and_nothing_else_moves(setting, run, top1):
    made = setting()
    run(made.task, Phase(phase="source", epochs=15, learning_rate=1e-2, batch_norm="update"), name="source")
    before = {w.name: w.numpy() for w in made.task.model.weights}
    there, here = top1(made.task, made.target), top1(made.task, made.task.validation)
    run(made.task, Phase(phase="adapt", method="adaptive_batch_norm", epochs=8), name="adapt")
    moved = {w.name for w in made.task.model.weights if not np.array_equal(before[w.name], w.numpy())}
    assert moved
    assert all("moving_" in name for name in moved)
    assert top1(made.task, made.target) >= there + 0.1, (here, there)


def test_the_mean_of_the_first_layer_is_that_of_the_target(setting, run):
    import tensorflow as tf

    made = setting()
    run(made.task, Phase(phase="adapt", method="adaptive_batch_norm", epochs=20), name="adapt")
    first = made.task.model.get_layer("conv0")
    norm = made.task.model.get_layer("norm0")
    pixels = (made.task.unlabelled[:].astype(np.float32) - 128.0) / 127.5
    mean = tf.reduce_mean(first(pixels), axis=[0, 1, 2]).numpy()
    assert np.allclose(norm.moving_mean.numpy(), mean, atol=0.02 * np.abs(mean).max() + 1e-3)


def test_without_unlabelled_photos_it_says_what_to_do(setting, run):
    from dataclasses import replace

    task = replace(setting().task, unlabelled=None)
    with pytest.raises(InputError, match="Add a section 'unlabelled', or lower labels.share"):
        run(task, Phase(phase="adapt", method="adaptive_batch_norm", epochs=1))
