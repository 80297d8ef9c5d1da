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
        kernel[0, 0, 0, :] = 3000.0  # what is read there is always zero

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


def _files(trials, choice, digits, preprocess, folder):
    """The chosen network in three formats: graph of the TFLite file, and what each file answers on the validation images."""
    from dataclasses import replace

    from edgetl import registry
    from edgetl.converters._base import Source
    from edgetl.grid import mil_reference, reader
    from edgetl.nn import fake_quant, frozen
    from edgetl.recipe import Target

    names = tuple("0123456789")
    trials.make(frozenset(choice.units))
    kept = fake_quant.keep(trials.quantized, trials.model, choice.units)
    frozen.freeze(trials.quantized, PX, folder / frozen.NETWORK)
    source = Source(
        network=folder, preprocess=preprocess, class_names=names, calibration=None, origin=None, keep_float=tuple(kept.layers)
    )
    answers = {}
    for form, runtime in (("tflite", "litert"), ("onnx", "onnxruntime"), ("coreml", None)):
        converter = registry.load("converters", form)
        path = folder / f"net{converter.SUFFIX}"
        converter.convert(source, Target(format=form, scheme="w8a8_ptq"), path)
        source = replace(source, origin=folder / "net.tflite")
        if runtime is None:
            reference = mil_reference.open_package(path)
            answers[form] = np.array([reference.run(pixels) for pixels in digits[1].pixels])
            continue
        session, found = registry.load("runtimes", runtime).open(path, 1, preprocess, names), []
        for pixels in digits[1].pixels:
            session.set_input(pixels)
            session.invoke()
            found.append(session.output().copy())
        session.close()
        answers[form] = np.array(found)
    return reader.read((folder / "net.tflite").read_bytes()), answers


@pytest.mark.parametrize("name", [pytest.param(n, marks=[] if "swish" in n else [pytest.mark.slow]) for n in PLANTS])
def test_a_planted_outlier_is_found_and_meets_the_gate_in_three_formats(network, digits, preprocess, name, tmp_path):
    from edgetl.nn import inference

    before = inference.predict(network, digits[1].pixels, preprocess)
    _plant(network, name)
    assert np.allclose(inference.predict(network, digits[1].pixels, preprocess), before, atol=1e-2), "float does not notice it"
    trials, choice = _choose(network, digits, preprocess)
    assert choice.before.drop > 0.1
    assert set(choice.units) == PLANTS[name]
    assert choice.met and choice.after.drop <= 0.005
    assert set(choice.sensitivity[0].units) == PLANTS[name]
    graph, answers = _files(trials, choice, digits, preprocess, tmp_path)
    assert len(graph.float_layers()) == len(PLANTS[name])
    for form, found in answers.items():
        drop = choice.before.float_top1 - (found.argmax(1) == digits[1].labels).mean()
        assert drop <= 0.005 + 1e-9, f"{form} loses {drop}"
    assert (answers["tflite"] == answers["onnx"]).mean() >= 0.99
    assert (answers["tflite"].argmax(1) == answers["coreml"].argmax(1)).mean() >= 0.98


def test_growing_sets_and_the_least_that_is_enough():
    from edgetl.nn import keep_float

    sets = keep_float._growing([("a",), ("a", "b"), ("c",), ("d", "e"), ("f",)], 4)
    assert [sorted(s) for s in sets] == [["a"], ["a", "b"], ["a", "b", "c"], ["a", "b", "c", "f"]]
    for size in range(1, 5):
        tried = []
        found = keep_float._least(sets, lambda s, size=size, tried=tried: tried.append(s) or len(s) >= size)
        assert len(found) == size and len(set(tried)) == len(tried)
    assert keep_float._least(sets, lambda s: False) is None
    assert keep_float._least([], lambda s: True) is None


@pytest.mark.slow
def test_a_loss_that_cannot_be_met_is_told(network, digits, preprocess):
    """A gain is asked for, which float does not give."""
    trials, choice = _choose(network, digits, preprocess, allowed=-0.5)
    assert not choice.met
    assert choice.after.drop == min(loss.drop for loss in trials.done.values())
