"""`keep_float: auto`: an outlier that was planted is found, and nothing else stays in float."""

from types import SimpleNamespace

import numpy as np
import pytest

PX = 16
PLANTS = {
    "dead channel with large weights": {"wide"},
    "range of a hard-swish": {"swished"},
    "range between two layers": {"a", "b"},
}


@pytest.fixture(scope="module")
def digits():
    """Real handwritten digits, 16 px: 1000 to learn from, 400 to validate, 397 to test."""
    from PIL import Image
    from sklearn.datasets import load_digits

    found = load_digits()
    grey = [np.asarray(Image.fromarray(image.astype(np.uint8) * 15).resize((PX, PX))) for image in found.images]
    pixels = np.repeat(np.array(grey)[..., None], 3, axis=3)
    order = np.random.default_rng(0).permutation(len(pixels))
    parts = np.split(order, [1000, 1400])
    return [SimpleNamespace(pixels=pixels[rows], labels=found.target[rows].astype(np.int64)) for rows in parts]


@pytest.fixture(scope="module")
def preprocess():
    from edgetl.types import Preprocess

    return Preprocess(resize_px=PX, crop_px=PX)


@pytest.fixture(scope="module")
def trained(digits, preprocess):
    """A network that tells digits apart. Two channels are dead, so that they may be given any weights."""
    import tf_keras

    from edgetl.nn.layers import HardSwish
    from edgetl.preprocess import normalise

    layers = tf_keras.layers
    tf_keras.utils.set_random_seed(0)
    image = tf_keras.Input((PX, PX, 3), name="image")
    x = layers.ReLU(6.0, name="stem_relu")(layers.Conv2D(16, 3, strides=2, padding="same", name="stem")(image))
    x = layers.ReLU(6.0, name="wide_relu")(layers.Conv2D(32, 1, name="wide")(x))
    x = HardSwish(name="swish")(layers.BatchNormalization(name="swished_bn")(layers.Conv2D(32, 1, name="swished")(x)))
    x = layers.ReLU(name="depthwise_relu")(layers.DepthwiseConv2D(3, padding="same", name="depthwise")(x))
    x = layers.ReLU(name="a_relu")(layers.Conv2D(32, 1, name="a")(x))
    x = layers.ReLU(6.0, name="b_relu")(layers.Conv2D(32, 3, strides=2, name="b")(x))
    x = layers.GlobalAveragePooling2D(name="pool")(x)
    model = tf_keras.Model(image, layers.Dense(10, name="logits")(x))
    for name in ("stem", "swished"):
        kernel, bias = model.get_layer(name).get_weights()
        kernel[..., 0], bias[0] = 0.0, -4.0
        model.get_layer(name).set_weights([kernel, bias])
    model.get_layer("swished_bn").trainable = False
    model.compile(tf_keras.optimizers.Adam(4e-3), tf_keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    model.fit(normalise(digits[0].pixels, preprocess), digits[0].labels, batch_size=32, epochs=12, verbose=0)
    return model


@pytest.fixture
def network(trained):
    """A copy, to plant outliers in."""
    import tf_keras

    model = tf_keras.models.clone_model(trained)
    model.set_weights(trained.get_weights())
    return model


def _plant(model, name):
    """An outlier that changes nothing that the float network answers."""

    def change(layer, edit):
        weights = model.get_layer(layer).get_weights()
        edit(*weights)
        model.get_layer(layer).set_weights(weights)

    def large(kernel, bias):
        kernel[0, 0, 0, :] = 60.0  # what is read there is always zero

    def low(kernel, bias):
        bias[0] = -5000.0  # hard-swish makes 0 of it, as of -4

    def more(kernel, bias):
        kernel[..., 0] *= 500.0
        bias[0] *= 500.0

    def less(kernel, bias):
        kernel[:, :, 0, :] /= 500.0

    edits = {
        "dead channel with large weights": [("wide", large)],
        "range of a hard-swish": [("swished", low)],
        "range between two layers": [("a", more), ("b", less)],
    }
    for layer, edit in edits[name]:
        change(layer, edit)


def _choose(model, digits, preprocess, allowed=0.005):
    from edgetl.nn import fake_quant, inference, keep_float
    from edgetl.preprocess import normalise

    trials = keep_float.Trials(
        quantized=fake_quant.quantize_model(model, preprocess.input_range),
        model=model,
        batches=[normalise(digits[0].pixels[i : i + 16], preprocess) for i in range(0, 64, 16)],
        validation=inference.Images(pixels=digits[1].pixels, labels=digits[1].labels),
        preprocess=preprocess,
        label_sets=None,
        method="minmax",
        bias_correction=True,
    )
    return trials, keep_float.choose(trials, allowed)


def test_a_sound_network_keeps_nothing_in_float(network, digits, preprocess):
    trials, choice = _choose(network, digits, preprocess)
    assert choice.before.float_top1 > 0.9
    assert choice.units == () and choice.met and choice.trials == 1 and choice.sensitivity == ()


@pytest.mark.parametrize("name", PLANTS)
def test_a_planted_outlier_is_found(network, digits, preprocess, name):
    from edgetl.nn import inference

    before = inference.predict(network, digits[1].pixels, preprocess)
    _plant(network, name)
    assert np.allclose(inference.predict(network, digits[1].pixels, preprocess), before, atol=1e-2)
    trials, choice = _choose(network, digits, preprocess)
    print(choice.before, choice.after, choice.units, choice.trials)
    for c in choice.sensitivity:
        print(c)
    assert choice.before.drop > 0.1
    assert set(choice.units) == PLANTS[name] and choice.met and choice.after.drop <= 0.005
    assert set(choice.sensitivity[0].units) == PLANTS[name]
