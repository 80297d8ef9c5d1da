"""RandAugment: stays in range, is a function of its seed, and each operation does what its name says."""

import numpy as np
import pytest

from edgetl.recipe import Augment, RandAugment


def _pictures(count=256, px=16):
    return np.random.default_rng(0).uniform(0.2, 0.8, (count, px, px, 3)).astype(np.float32)


@pytest.mark.parametrize("magnitude", [1, 9, 30])
@pytest.mark.parametrize("operations", [1, 3])
def test_it_follows_its_seed_and_stays_in_range(magnitude, operations):
    import tensorflow as tf

    from edgetl.nn.augment import augment

    section = Augment(randaugment=RandAugment(operations=operations, magnitude=magnitude))
    pictures = tf.constant(_pictures() * 2.0 - 1.0)
    one, same, other = (augment(pictures, tf.constant(s), section, (-1.0, 1.0)).numpy() for s in ([0, 1], [0, 1], [0, 2]))
    assert np.array_equal(one, same)
    assert not np.array_equal(one, other)
    assert one.min() >= -1.0
    assert one.max() <= 1.0
    changed = np.abs(one - pictures.numpy()).max(axis=(1, 2, 3)) > 1e-4
    assert changed.mean() > 0.6  # autocontrast and solarize may leave an image as it is


def _apply(name, signed, strength=1.0):
    import tensorflow as tf

    from edgetl.nn import randaugment

    pictures = tf.constant(_pictures(4))
    kind = tf.constant([randaugment.OPERATIONS.index(name)] * 4)
    return pictures.numpy(), randaugment.change(pictures, kind, tf.constant([signed] * 4), strength).numpy()


def test_operations_on_colours():
    before, after = _apply("brightness", -0.5)
    assert np.allclose(after, before * 0.55, atol=1e-6)
    before, after = _apply("contrast", -1.0)
    assert np.allclose(after.std(axis=(1, 2, 3)), 0.1 * before.std(axis=(1, 2, 3)), rtol=0.35)
    before, after = _apply("autocontrast", 1.0)
    assert np.allclose(after.min(axis=(1, 2)), 0.0, atol=1e-5)
    assert np.allclose(after.max(axis=(1, 2)), 1.0, atol=1e-5)
    before, after = _apply("solarize", 0.5, strength=0.5)
    assert np.allclose(after, np.where(before > 0.5, 1.0 - before, before), atol=1e-6)
    _, after = _apply("posterize", 1.0)
    assert len(np.unique(after.round(4))) <= 16


def test_shifts_move_the_picture_and_a_full_turn_of_nothing_leaves_it():
    import tensorflow as tf

    from edgetl.nn import randaugment

    before, after = _apply("translate_x", 3 / (0.33 * 16))
    assert np.allclose(after[:, :, :13], before[:, :, 3:], atol=1e-4)
    pictures = tf.constant(_pictures(2))
    same = randaugment._move(pictures, tf.constant([99, 99]), tf.constant([1.0, -1.0])).numpy()
    assert np.allclose(same, pictures.numpy(), atol=1e-5)
