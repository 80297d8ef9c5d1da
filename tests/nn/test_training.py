"""Training: an interrupted run equals an undisturbed one bit for bit; dropout and augmentation follow their seed."""

import numpy as np
import pytest

from edgetl.recipe import Augment, Phase, Unfreeze
from edgetl.types import Preprocess

PLAIN = Augment()
SPEC = Preprocess(resize_px=16, crop_px=16)


@pytest.fixture(scope="module")
def images():
    from edgetl.nn import inference

    rng = np.random.default_rng(0)
    labels = rng.integers(0, 3, 48)
    pixels = np.clip(rng.normal(0, 40, (48, 16, 16, 3)) + 60 + 60 * labels[:, None, None, None], 0, 255)
    return inference.Images(pixels=pixels.astype(np.uint8), labels=labels.astype(np.int64))


def _model():
    import tf_keras

    from edgetl.nn.classifier import SeededDropout

    tf_keras.utils.set_random_seed(1)
    image = tf_keras.Input((16, 16, 3))
    x = tf_keras.layers.Conv2D(4, 3, activation="relu", name="conv")(image)
    x = tf_keras.layers.GlobalAveragePooling2D(name="pool")(x)
    x = SeededDropout(0.5, 0, name="drop")(x)
    return tf_keras.Model(image, tf_keras.layers.Dense(3, name="logits")(x))


def _starts(model, images, phases, changes=PLAIN):
    from edgetl.nn import freezing, supervised
    from edgetl.nn.batches import Examples

    examples = Examples(inputs=images.pixels, labels=images.labels)

    def start(phase):
        return supervised.on_images(
            model, phase, examples, images, SPEC, changes=changes, prepare=lambda epoch: freezing.freeze(model, phase, epoch)
        )

    return [lambda phase=phase: start(phase) for phase in phases]


def _untimed(entry):
    return {name: value for name, value in entry.items() if not name.endswith("seconds")}


def _train(images, path, *, stop_after=None, **settings):
    from edgetl.nn import training

    path.parent.mkdir(exist_ok=True)
    model = _model()
    phases = [
        Phase(**{"phase": name, "epochs": 3, "learning_rate": 1e-2, "batch_size": 16, **settings}) for name in ("one", "two")
    ]
    epochs = []

    def progress(event):
        epochs.append(event)
        if len(epochs) == stop_after:
            raise KeyboardInterrupt

    before = model.get_layer("conv").get_weights()[0]
    starts = _starts(model, images, phases, Augment(flip=True, zoom=0.2))
    try:
        history = training.train(model, starts, seed=5, checkpoint=path, progress=progress)
    except KeyboardInterrupt:
        return None
    return model.get_weights(), history, before


WAYS = {
    "adam": {},
    "adamw, averaged": {"optimizer": "adamw", "ema": 0.9},
    "sgd, clipped": {"optimizer": "sgd", "clip_norm": 0.5},
    "rmsprop, plateau": {"optimizer": "rmsprop", "schedule": "plateau", "schedule_epochs": 1},
    "mixed": {"mixup": 0.4, "cutmix": 1.0, "label_smoothing": 0.1, "class_weights": "balanced"},
    "gradual, slower below": {"freeze": "all", "unfreeze": Unfreeze(layers=1, every=2), "layer_decay": 0.5},
}


@pytest.fixture(scope="module")
def calm_runs(images, tmp_path_factory):
    """Undisturbed runs, each made when it is first asked for."""
    found = {}

    def run(way):
        if way not in found:
            found[way] = _train(images, tmp_path_factory.mktemp("calm") / "c.npz", **WAYS[way])
        return found[way]

    return run


@pytest.mark.parametrize(
    ("way", "stop_after"), [("adam", 2), ("adam", 3), ("adam", 5), *((way, 3 + n % 3) for n, way in enumerate([*WAYS][1:]))]
)
def test_an_interrupted_run_goes_on_to_the_same_weights(images, tmp_path, stop_after, way, calm_runs):
    calm, calm_history, _ = calm_runs(way)
    assert _train(images, tmp_path / "hasty" / "c.npz", stop_after=stop_after, **WAYS[way]) is None
    hasty, hasty_history, _ = _train(images, tmp_path / "hasty" / "c.npz", **WAYS[way])
    assert [_untimed(entry) for entry in calm_history] == [_untimed(entry) for entry in hasty_history]
    assert len(calm_history) == 6
    for one, other in zip(calm, hasty, strict=True):
        assert np.array_equal(one, other)
    assert way != "adam" or calm_history[-1]["val_top1"] > 0.6


def test_a_damaged_checkpoint_starts_anew(images, tmp_path):
    calm, *_ = _train(images, tmp_path / "calm" / "c.npz")
    (tmp_path / "torn").mkdir()
    (tmp_path / "torn" / "c.npz").write_bytes((tmp_path / "calm" / "c.npz").read_bytes()[:500])
    torn, history, _ = _train(images, tmp_path / "torn" / "c.npz")
    assert len(history) == 6
    assert all(np.array_equal(one, other) for one, other in zip(calm, torn, strict=True))


def test_a_phase_stops_when_nothing_improves_and_keeps_the_best(images, tmp_path):
    from edgetl.nn import training

    model = _model()
    start = model.get_weights()
    phase = Phase(phase="still", epochs=9, learning_rate=1e-12, batch_size=16, schedule="constant", patience=2)
    silent = {"seed": 0, "checkpoint": tmp_path / "c.npz", "progress": lambda event: None}
    history = training.train(model, _starts(model, images, [phase]), **silent)
    assert 3 <= len(history) < 9
    best = max(history, key=lambda entry: (entry["val_top1"], -entry["val_loss"]))
    assert best["epoch"] == len(history) - 2
    assert np.allclose(start[0], model.get_weights()[0], atol=1e-6)


def test_a_frozen_layer_does_not_move(images, tmp_path):
    weights, _, before = _train(images, tmp_path / "c.npz", freeze="all", features="recomputed")
    assert np.array_equal(weights[0], before)


def test_a_loss_that_explodes_is_told(images, tmp_path):
    from edgetl.nn import training

    model = _model()
    phase = Phase(phase="wild", epochs=2, learning_rate=1e30, batch_size=16, schedule="constant")
    with pytest.raises(FloatingPointError, match="phase wild, epoch"):
        training.train(model, _starts(model, images, [phase]), seed=0, checkpoint=tmp_path / "c.npz", progress=lambda e: None)


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
