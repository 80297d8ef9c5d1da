"""Both MobileNets: layer names known without TensorFlow are the network's own; weights are loaded strictly."""

import dataclasses

import numpy as np
import pytest

from edgetl import registry
from edgetl.errors import InputError
from edgetl.recipe import Backbone, WeightsFile

V1 = Backbone(name="mobilenet_v1", alpha=0.25, input_px=64, weights="none")
V2 = Backbone(name="mobilenet_v2", alpha=0.35, input_px=64, weights="none")
NO_TOP = "weights/keras_imagenet/mobilenet_2_5_224_tf_no_top.h5"


def _build(section):
    import edgetl.nn  # noqa: F401 - sets the Keras version

    return registry.load("backbones", section.name).build(section)


def _load(model, path, section=V1, sha256=None):
    from edgetl.nn.weights import load_backbone_weights

    weights = WeightsFile(path=str(path), sha256=sha256)
    return load_backbone_weights(model, dataclasses.replace(section, weights=weights))


@pytest.mark.parametrize("section", [V1, V2], ids=lambda s: s.name)
def test_layer_names_and_figures_are_those_of_the_network(section):
    module = registry.load("backbones", section.name)
    model = _build(section)
    convolutions = tuple(layer.name for layer in model.layers if "Conv2D" in type(layer).__name__)
    assert module.layer_names(section) == convolutions
    assert module.SPECS[f"{section.name}_{section.alpha:g}"].params_m == round(model.count_params() / 1e6, 2)


def test_a_real_keras_file_is_loaded_with_and_without_its_top(material):
    bare, topped = _build(V1), _build(V1)
    _load(bare, material / NO_TOP, sha256="dbdb03ee2a22fd895301636cd328b234bb3a9952358f436d82f46b81e0d5b0bf")
    _load(topped, material / "weights/derived/mobilenet_2_5_224_tf.h5")
    image = np.random.default_rng(0).uniform(-1, 1, (1, 64, 64, 3)).astype(np.float32)
    features = bare(image).numpy()
    assert float(features.std()) > 0.1
    assert not np.allclose(features, _build(V1)(image).numpy())
    assert topped(image).numpy().shape == features.shape


@pytest.mark.parametrize("name", ["w.weights.h5", "w.keras", "w.h5"])
def test_what_keras_saves_comes_back_exactly(name, tmp_path):
    source, goal = _build(V2), _build(V2)
    rng = np.random.default_rng(1)
    source.set_weights([rng.uniform(0.1, 1, w.shape) for w in source.get_weights()])
    (source.save if name == "w.keras" else source.save_weights)(tmp_path / name)
    _load(goal, tmp_path / name, V2)
    for one, other in zip(source.get_weights(), goal.get_weights(), strict=True):
        assert np.array_equal(one, other)


def test_a_wrong_file_is_refused_and_nothing_is_set(material, tmp_path):
    model = _build(V2)
    before = model.get_weights()
    (tmp_path / "text.h5").write_text("no weights at all")
    nan = _build(V2)
    nan.get_layer("Conv1").set_weights([np.full(nan.get_layer("Conv1").kernel.shape, np.nan)])
    nan.save_weights(tmp_path / "nan.h5")
    for path, sha256, message in (
        (material / NO_TOP, None, "does not fit the backbone"),
        (material / NO_TOP, "0" * 64, "has sha256 dbdb03ee"),
        (tmp_path / "absent.h5", None, "no such file"),
        (tmp_path / "text.h5", None, "is not a weights file"),
        (tmp_path / "nan.h5", None, "Conv1: holds values that are not finite"),
    ):
        with pytest.raises(InputError, match=message):
            _load(model, path, V2, sha256)
    for one, other in zip(before, model.get_weights(), strict=True):
        assert np.array_equal(one, other)


def test_a_file_that_holds_text_for_weights_is_refused(tmp_path):
    import h5py

    _build(V2).save_weights(tmp_path / "w.h5")
    with h5py.File(tmp_path / "w.h5", "a") as file:
        group = file["Conv1"]
        (name,) = group.attrs["weight_names"]
        shape = group[name].shape
        del group[name]
        group.create_dataset(name, data=np.full(shape, b"x"))
    with pytest.raises(InputError, match="a weight is not a plain array"):
        _load(_build(V2), tmp_path / "w.h5", V2)


def test_imagenet_without_a_network_says_which_file_to_put_where(tmp_path, monkeypatch):
    import urllib.request

    from edgetl.nn.weights import load_backbone_weights

    def refuse(*_, **__):
        raise OSError("no network")

    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr(urllib.request, "urlopen", refuse)
    monkeypatch.setattr("tf_keras.src.utils.data_utils.urlretrieve", refuse)
    with pytest.raises(InputError) as caught:
        load_backbone_weights(_build(V1), dataclasses.replace(V1, weights="imagenet"))
    for word in ("mobilenet_2_5_224_tf_no_top.h5", "https://", "dbdb03ee", "~/.keras/models/"):
        assert word in str(caught.value)


@pytest.fixture(scope="module")
def published(material):
    """The published float TFLite file: what it answers, and its weights, batch normalisation folded into them."""
    from ai_edge_litert.interpreter import Interpreter

    from edgetl.grid import reader

    path = material / "models/tflite-support/mobilenet_v1_0.25_224_1_default_1.tflite"
    interpreter = Interpreter(str(path))
    interpreter.allocate_tensors()
    graph = reader.read(path.read_bytes())
    layers = [op for op in graph.operators if op.kind in ("CONV_2D", "DEPTHWISE_CONV_2D")]
    weights = [[graph.tensors[i].data for i in op.inputs[1:3]] for op in layers]

    def answer(values):
        interpreter.set_tensor(interpreter.get_input_details()[0]["index"], values)
        interpreter.invoke()
        return interpreter.get_tensor(interpreter.get_output_details()[0]["index"])[0]

    return answer, weights


def _answer(model, kernel, bias, values):
    logits = np.asarray(model(values)).mean(axis=(1, 2)) @ kernel + bias
    powers = np.exp(logits[0] - logits.max())
    return powers / powers.sum()


def _pixels(material, photo):
    from edgetl.preprocess import normalise, to_pixels
    from edgetl.types import Preprocess

    spec = Preprocess(resize_px=224, crop_px=224)
    return normalise(to_pixels((material / "images/tflite-support" / photo).read_bytes(), spec)[None], spec)


@pytest.mark.parametrize("photo", ["burger.jpg", "burger_crop.jpg", "sparrow.png"])
def test_v1_with_the_tflite_files_weights_answers_as_the_tflite_file(material, published, photo):
    """The .h5 beside it holds another training's weights (Keras' own network differs from the file by as much), so it is filled
    with the file's: our network, padding and normalisation are then the published ones."""
    answer, weights = published
    model = _build(dataclasses.replace(V1, input_px=224))
    layers = [layer for layer in model.layers if "Conv2D" in type(layer).__name__]
    for layer, (kernel, bias) in zip(layers, weights, strict=False):
        ours = layer.get_weights()[0].shape
        layer.set_weights([kernel.transpose(1, 2, 3, 0).reshape(ours)])
        norm = next(node.outbound_layer for node in layer.outbound_nodes)
        norm.set_weights([np.ones_like(bias), bias, np.zeros_like(bias), np.full_like(bias, 1.0 - norm.epsilon)])
    kernel, bias = weights[-1]
    values = _pixels(material, photo)
    assert np.abs(_answer(model, kernel[:, 0, 0].T, bias, values) - answer(values)).max() <= 1e-3


@pytest.mark.parametrize("photo", ["burger.jpg", "burger_crop.jpg"])
def test_v1_with_keras_weights_and_top_sees_a_cheeseburger(material, published, photo):
    import json

    import h5py
    import tf_keras

    section, path = dataclasses.replace(V1, input_px=224), material / "weights/derived/mobilenet_2_5_224_tf.h5"
    model = _build(section)
    _load(model, path, section)
    with h5py.File(path) as file:
        group = file.get("model_weights", file)["conv_preds"]
        kernel, bias = (np.asarray(group[name]) for name in group.attrs["weight_names"])
    values = _pixels(material, photo)
    ours = _answer(model, kernel[0, 0], bias, values)
    theirs = tf_keras.applications.MobileNet(alpha=0.25, weights=str(path)).predict(values, verbose=0)[0]
    assert np.abs(ours - theirs).max() <= 1e-4
    classes = json.loads((material / "data/imagenet_class_index.json").read_text())
    assert classes[str(ours.argmax())][1] == "cheeseburger"
    assert published[0](values)[1:].argmax() == ours.argmax()
