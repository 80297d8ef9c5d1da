"""Training: an interrupted run equals an undisturbed one bit for bit; dropout and augmentation follow their seed."""

import numpy as np
import pytest

from edgetl.recipe import Augment
from edgetl.types import Preprocess

SPEC = Preprocess(resize_px=16, crop_px=16)


@pytest.fixture(scope="module")
def images():
    from edgetl.nn import training

    rng = np.random.default_rng(0)
    labels = rng.integers(0, 3, 48)
    pixels = np.clip(rng.normal(0, 40, (48, 16, 16, 3)) + 60 + 60 * labels[:, None, None, None], 0, 255)
    return training.Images(pixels=pixels.astype(np.uint8), labels=labels.astype(np.int64))


def _model():
    import tf_keras

    from edgetl.nn.classifier import SeededDropout

    tf_keras.utils.set_random_seed(1)
    image = tf_keras.Input((16, 16, 3))
    x = tf_keras.layers.Conv2D(4, 3, activation="relu", name="conv")(image)
    x = tf_keras.layers.GlobalAveragePooling2D(name="pool")(x)
    x = SeededDropout(0.5, 0, name="drop")(x)
    return tf_keras.Model(image, tf_keras.layers.Dense(3, name="logits")(x))


def _train(images, path, *, stop_after=None, frozen=False):
    from edgetl.nn import training

    model = _model()

    def prepare():
        model.get_layer("conv").trainable = not frozen

    stretches = tuple(
        training.Stretch(
            name=name,
            prepare=prepare,
            epochs=3,
            learning_rate=1e-2,
            batch_size=16,
            cosine=True,
            augment=Augment(flip=True, zoom=0.2),
        )
        for name in ("one", "two")
    )
    epochs = []

    def progress(event):
        epochs.append(event)
        if len(epochs) == stop_after:
            raise KeyboardInterrupt

    before = model.get_layer("conv").get_weights()[0]
    try:
        history = training.train(model, stretches, images, images, SPEC, seed=5, checkpoint=path, progress=progress)
    except KeyboardInterrupt:
        return None
    return model.get_weights(), history, before


@pytest.mark.parametrize("stop_after", [2, 3, 5])
def test_an_interrupted_run_goes_on_to_the_same_weights(images, tmp_path, stop_after):
    calm, calm_history, _ = _train(images, tmp_path / "calm.npz")
    assert _train(images, tmp_path / "hasty.npz", stop_after=stop_after) is None
    hasty, hasty_history, _ = _train(images, tmp_path / "hasty.npz")
    assert calm_history == hasty_history
    assert len(calm_history) == 6
    for one, other in zip(calm, hasty, strict=True):
        assert np.array_equal(one, other)
    assert calm_history[-1]["val_top1"] > 0.6


def test_a_damaged_checkpoint_starts_anew(images, tmp_path):
    calm, *_ = _train(images, tmp_path / "calm.npz")
    (tmp_path / "torn.npz").write_bytes((tmp_path / "calm.npz").read_bytes()[:500])
    torn, history, _ = _train(images, tmp_path / "torn.npz")
    assert len(history) == 6
    assert all(np.array_equal(one, other) for one, other in zip(calm, torn, strict=True))


def test_a_phase_stops_when_nothing_improves_and_keeps_the_best(images, tmp_path):
    from edgetl.nn import training

    model = _model()
    start = model.get_weights()
    stretch = training.Stretch(
        name="still", prepare=lambda: None, epochs=9, learning_rate=1e-12, batch_size=16, cosine=False, patience=2
    )
    silent = {"seed": 0, "checkpoint": tmp_path / "c.npz", "progress": lambda event: None}
    history = training.train(model, (stretch,), images, images, SPEC, **silent)
    assert 3 <= len(history) < 9
    best = max(history, key=lambda entry: (entry["val_top1"], -entry["val_loss"]))
    assert best["epoch"] == len(history) - 2
    assert np.allclose(start[0], model.get_weights()[0], atol=1e-6)


def test_a_frozen_layer_does_not_move(images, tmp_path):
    weights, _, before = _train(images, tmp_path / "c.npz", frozen=True)
    assert np.array_equal(weights[0], before)


def test_a_loss_that_explodes_is_told(images, tmp_path):
    from edgetl.nn import training

    model = _model()
    stretch = training.Stretch(name="wild", prepare=lambda: None, epochs=2, learning_rate=1e30, batch_size=16, cosine=False)
    with pytest.raises(FloatingPointError, match="phase wild, epoch"):
        training.train(model, (stretch,), images, images, SPEC, seed=0, checkpoint=tmp_path / "c.npz", progress=lambda e: None)


def test_augmentation_is_a_function_of_its_seed_and_stays_in_range():
    import tensorflow as tf

    from edgetl.nn.augment import augment

    pictures = tf.random.stateless_uniform((4, 16, 16, 3), [1, 2], -1.0, 1.0)
    section = Augment(flip=True, zoom=0.3, brightness=0.4, contrast=0.4)
    one, same, other = (augment(pictures, tf.constant(seed), section, (-1.0, 1.0)).numpy() for seed in ([0, 1], [0, 1], [0, 2]))
    assert np.array_equal(one, same)
    assert not np.array_equal(one, other)
    assert one.min() >= -1.0
    assert one.max() <= 1.0
    assert np.allclose(augment(pictures, tf.constant([0, 1]), Augment(), (-1.0, 1.0)), pictures)


def test_only_flipping_gives_the_picture_or_its_mirror():
    import tensorflow as tf

    from edgetl.nn.augment import augment

    pictures = tf.random.stateless_uniform((32, 8, 8, 3), [1, 2], -1.0, 1.0).numpy()
    turned = augment(tf.constant(pictures), tf.constant([3, 4]), Augment(flip=True), (-1.0, 1.0)).numpy()
    same = [np.allclose(a, b, atol=1e-5) for a, b in zip(pictures, turned, strict=True)]
    mirrored = [np.allclose(a[:, ::-1], b, atol=1e-5) for a, b in zip(pictures, turned, strict=True)]
    assert all(a != b for a, b in zip(same, mirrored, strict=True))
    assert 5 < sum(mirrored) < 27
