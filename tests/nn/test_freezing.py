"""What learns in a phase; and that a frozen batch normalisation keeps its statistics, bit for bit, through training."""

import numpy as np
import pytest

from edgetl.errors import InputError
from edgetl.recipe import Last, Match, Phase, Unfreeze, Until
from edgetl.types import Preprocess

SPEC = Preprocess(resize_px=16, crop_px=16)


def _model():
    import tf_keras

    tf_keras.utils.set_random_seed(0)
    x = image = tf_keras.Input((16, 16, 3))
    for number in range(4):
        kind = tf_keras.layers.DepthwiseConv2D if number == 1 else tf_keras.layers.Conv2D
        options = {} if number == 1 else {"filters": 4}
        x = kind(kernel_size=3, padding="same", name=f"conv{number}", **options)(x)
        x = tf_keras.layers.BatchNormalization(name=f"norm{number}")(x)
    x = tf_keras.layers.GlobalAveragePooling2D(name="pool")(x)
    x = tf_keras.layers.BatchNormalization(name="head_norm")(x)
    return tf_keras.Model(image, tf_keras.layers.Dense(3, name="logits")(x))


def _learns(epoch=0, **settings):
    from edgetl.nn import freezing

    model = _model()
    freezing.freeze(model, Phase(phase="p", epochs=9, **settings), epoch)
    return [layer.name for layer in model.layers if layer.trainable and layer.weights]


HEAD = ["head_norm", "logits"]


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"freeze": "all"}, []),
        ({"freeze": "none"}, ["conv0", "conv1", "conv2", "conv3"]),
        ({"freeze": "none", "batch_norm": "update"}, [f"{k}{n}" for n in range(4) for k in ("conv", "norm")]),
        ({"freeze": Until(until="conv2")}, ["conv2", "conv3"]),
        ({"freeze": Until(until="norm2"), "batch_norm": "update"}, ["norm2", "conv3", "norm3"]),
        ({"freeze": Last(last=1)}, ["conv3"]),
        ({"freeze": Last(last=3), "batch_norm": "update"}, ["conv1", "norm1", "conv2", "norm2", "conv3", "norm3"]),
        ({"freeze": Match(match="[02]$")}, ["conv1", "conv3"]),
        ({"freeze": Match(match="[02]$"), "batch_norm": "update"}, ["conv1", "norm1", "conv3", "norm3"]),
    ],
)
def test_what_learns(settings, expected):
    assert _learns(**settings) == expected + HEAD


@pytest.mark.parametrize(("epoch", "expected"), [(0, []), (1, []), (2, ["conv3"]), (4, ["conv2", "conv3"]), (8, 4), (40, 4)])
def test_gradual_unfreezing(epoch, expected):
    wanted = [f"conv{n}" for n in range(4)] if expected == 4 else expected
    assert _learns(epoch, freeze="all", unfreeze=Unfreeze(layers=1, every=2)) == wanted + HEAD


def test_a_layer_that_is_not_there_is_told():
    with pytest.raises(InputError, match="no layer matches 'block'"):
        _learns(freeze=Match(match="block"))
    with pytest.raises(InputError, match="no layer named 'conv9'"):
        _learns(freeze=Until(until="conv9"))


def test_rates_fall_towards_the_image():
    from edgetl.nn import freezing

    found = freezing.rates(_model(), 0.5)
    assert {name: found[name] for name in ("logits", "conv3", "norm3", "conv2", "norm1", "conv0")} == {
        "logits": 1.0, "conv3": 0.5, "norm3": 0.5, "conv2": 0.25, "norm1": 0.125, "conv0": 0.0625,
    }  # fmt: skip


@pytest.mark.parametrize("batch_norm", ["inference", "update"])
def test_the_frozen_part_keeps_weights_and_statistics_bit_for_bit(tmp_path, batch_norm):
    from edgetl.nn import freezing, supervised, training
    from edgetl.nn.batches import Examples
    from edgetl.nn.inference import Images

    model = _model()
    before = {layer.name: layer.get_weights() for layer in model.layers}
    rng = np.random.default_rng(0)
    images = Images(pixels=rng.integers(0, 256, (32, 16, 16, 3), np.uint8), labels=rng.integers(0, 3, 32))
    phase = Phase(phase="p", epochs=2, learning_rate=1e-2, batch_size=8, freeze=Until(until="conv2"), batch_norm=batch_norm)
    examples = Examples(inputs=images.pixels, labels=images.labels)

    def start():
        prepare = lambda epoch: freezing.freeze(model, phase, epoch)  # noqa: E731
        return supervised.on_images(model, phase, examples, images, SPEC, prepare=prepare)

    training.train(model, [start], seed=0, checkpoint=tmp_path / "c.npz", progress=lambda event: None)
    moved = {
        name
        for name, weights in before.items()
        if any(not np.array_equal(a, b) for a, b in zip(weights, model.get_layer(name).get_weights(), strict=True))
    }
    assert moved == {"conv2", "conv3", "head_norm", "logits", *(("norm2", "norm3") if batch_norm == "update" else ())}
