"""EfficientNet: keras.applications' own network to a float's precision, for all bytes, borders and files; int8 throughout."""

import dataclasses
import json

import numpy as np
import pytest

from edgetl import registry
from edgetl.errors import InputError
from edgetl.recipe import Backbone, WeightsFile

FAMILY = registry.load("backbones", "efficientnet")
B0 = Backbone(name="efficientnet", variant="b0", input_px=64, weights="none")
PLAIN = {
    "InputLayer", "Conv2D", "DepthwiseConv2D", "BatchNormalization", "Sigmoid", "Multiply", "GlobalAveragePooling2D", "Add",
}  # fmt: skip
TRAINED = {"b0": 5_288_548, "b1": 7_794_184, "b2": 9_109_994, "b3": 12_233_232}
"""Trained parameters with 1000 classes, as keras.applications' own networks have them."""
CLOSE = 1e-4
"""Float32 along some hundred layers; zeros put around the image before it is normalised make 0.5."""
MEAN, DEVIATION = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])

RECIPE = """\
schema: 1
name: swish
data: {source: builtin, name: digits, split: {train: 0.6, val: 0.2, test: 0.2, seed: 7}}
backbone: {name: efficientnet, variant: b0, input_px: 64, weights: none}
train:
  - {phase: all, freeze: none, epochs: 3, learning_rate: 2.0e-3, batch_norm: update}
quantize: {scheme: w8a8_ptq, calibration_images: 64}
targets:
  - {format: tflite, scheme: w8a8_ptq}
  - {format: onnx, scheme: w8a8_ptq}
  - {format: coreml, scheme: w8a8_ptq}
benchmark: {runs: 10, warmup: 2, threads: [1]}
devices: [pixel-4]
"""


def _build(section):
    import edgetl.nn  # noqa: F401 - sets the Keras version

    return FAMILY.build(section)


def _keras(section, *, top=False, variance=DEVIATION**2):
    """Keras' own network, its weights random, its normalisation the one given."""
    import tf_keras

    tf_keras.utils.set_random_seed(1)
    make = getattr(tf_keras.applications, f"EfficientNet{section.variant.upper()}")
    model = make(input_shape=(section.input_px, section.input_px, 3), include_top=top, weights=None)
    (layer,) = (layer for layer in model.layers if isinstance(layer, tf_keras.layers.Normalization))
    layer.set_weights([MEAN, variance, 0])
    layer.finalize_state()
    return model


def _load(section, path):
    from edgetl.nn.weights import load_backbone_weights

    model = _build(section)
    load_backbone_weights(model, dataclasses.replace(section, weights=WeightsFile(path=str(path))))
    return model


@pytest.mark.parametrize("variant", ["b0", *(pytest.param(variant, marks=pytest.mark.slow) for variant in FAMILY.VARIANTS[1:])])
def test_it_is_the_published_network_in_layers_a_quantizer_knows(variant, keras_applications):
    spec = FAMILY.SPECS[f"efficientnet_{variant}_1"]
    model = _build(dataclasses.replace(B0, variant=variant, input_px=spec.input_px))
    convolutions = tuple(layer.name for layer in model.layers if "Conv2D" in type(layer).__name__)
    assert FAMILY.layer_names(dataclasses.replace(B0, variant=variant)) == convolutions
    assert {type(layer).__name__ for layer in model.layers} == PLAIN

    counted = keras_applications.counted(model)
    assert counted.trained - 12 == TRAINED[variant], "twelve weights are those of `normalise`"
    assert spec.params_m == round(counted.all_m, 2)
    assert spec.macs_m == pytest.approx(counted.macs_m, rel=1e-3)


def test_b0_has_the_parameters_that_others_count(material):
    """AI Hub's figure for its EfficientNet-B0, which is another implementation."""
    rows = (material.parent / "device-latency" / "model_facts.csv").read_text().splitlines()
    (published,) = (float(row.split(",")[4]) for row in rows if row.startswith("efficientnet_b0,"))
    assert TRAINED["b0"] / 1e6 == pytest.approx(published, rel=0.01)


@pytest.mark.parametrize(
    ("variant", "px", "top", "whole"),
    [
        pytest.param("b0", 64, False, False, marks=pytest.mark.slow),  # the published file proves these
        ("b0", 65, True, False),
        pytest.param("b0", 64, True, True, marks=pytest.mark.slow),
        pytest.param("b1", 64, False, False, marks=pytest.mark.slow),
        pytest.param("b2", 64, False, False, marks=pytest.mark.slow),
        pytest.param("b3", 96, False, False, marks=pytest.mark.slow),
    ],
)
def test_a_file_of_keras_gives_the_same_features(variant, px, top, whole, tmp_path, keras_applications):
    section = dataclasses.replace(B0, variant=variant, input_px=px)
    theirs = keras_applications.awaken(_keras(section, top=top))
    (theirs.save if whole else theirs.save_weights)(tmp_path / "w.h5")
    assert keras_applications.difference(_load(section, tmp_path / "w.h5"), theirs, "top_activation") <= CLOSE


def test_the_published_file_gives_the_same_features_as_in_keras(tmp_path, monkeypatch, keras_applications):
    """Keras' own way of loading it: the file has deviations for variances, and a division makes up for that."""
    import tf_keras
    from tf_keras.src.applications import efficientnet

    from edgetl.nn import weights

    file = FAMILY.imagenet_file(dataclasses.replace(B0, weights="imagenet"))
    published = keras_applications.awaken(_keras(B0))
    published.get_layer(index=2).set_weights([MEAN, DEVIATION, 0])
    published.save_weights(tmp_path / file.name)
    asked = []

    def get_file(name, url, **_):
        asked.append((name, url))
        return str(tmp_path / name)

    monkeypatch.setattr(efficientnet.data_utils, "get_file", get_file)
    theirs = tf_keras.applications.EfficientNetB0(input_shape=(64, 64, 3), include_top=False, weights="imagenet")
    assert asked == [(file.name, file.url)]
    monkeypatch.setattr(weights, "_imagenet", lambda _: tmp_path / file.name)
    ours = _build(B0)
    weights.load_backbone_weights(ours, dataclasses.replace(B0, weights="imagenet"))
    assert keras_applications.difference(ours, theirs, "top_activation") <= CLOSE


def test_random_weights_normalise_too():
    ours = _build(B0)
    pixels = np.random.default_rng(3).integers(0, 256, (1, 64, 64, 3))
    found = ours.get_layer("normalise")(((pixels - 128) / 127.5).astype(np.float32)).numpy()
    assert np.abs(found - (pixels / 255 - MEAN) / DEVIATION).max() <= 1e-5


def test_its_own_files_come_back_as_they_were(tmp_path):
    ours = _build(B0)
    kernel, bias = ours.get_layer("normalise").get_weights()
    ours.get_layer("normalise").set_weights([kernel * 1.25, bias + 0.5])
    for name in ("w.h5", "w.weights.h5", "w.keras"):
        (ours.save if name == "w.keras" else ours.save_weights)(tmp_path / name)
        for one, other in zip(ours.get_weights(), _load(B0, tmp_path / name).get_weights(), strict=True):
            assert np.array_equal(one, other)


def test_a_file_of_another_variant_is_refused(tmp_path):
    b1 = dataclasses.replace(B0, variant="b1")
    _keras(B0).save_weights(tmp_path / "b0.h5")
    with pytest.raises(InputError, match=r"b0\.h5: does not fit the backbone .*\n  block1b_dwconv: not in the file\."):
        _load(b1, tmp_path / "b0.h5")
    deeper = {layer.name: layer.get_weights() for layer in _keras(b1).layers}
    words = r"does not fit efficientnet b0 .*\n  block1b_dwconv: in the file, not in the backbone\."
    with pytest.raises(InputError, match=words):
        FAMILY.adapt(B0, deeper)


def test_a_file_that_normalises_otherwise_or_does_not_tell_is_refused(tmp_path):
    theirs = _keras(B0, variance=np.ones(3))
    theirs.save_weights(tmp_path / "w.weights.h5")
    with pytest.raises(InputError, match="the file numbers its layers instead of naming them"):
        _load(B0, tmp_path / "w.weights.h5")
    arrays = {layer.name: layer.get_weights() for layer in theirs.layers}
    words = r"has mean 0\.485, 0\.456, 0\.406 and variance 1, 1, 1; efficientnet b0 here normalises by"
    with pytest.raises(InputError, match=words):
        FAMILY.adapt(B0, arrays)


def test_published_files_and_what_is_refused():
    imagenet = dataclasses.replace(B0, variant="b3", weights="imagenet")
    assert FAMILY.imagenet_file(imagenet).name == "efficientnetb3_notop.h5"
    assert FAMILY.imagenet_file(imagenet).url == "https://storage.googleapis.com/keras-applications/efficientnetb3_notop.h5"
    assert FAMILY.layer_names(dataclasses.replace(B0, variant=None)) == FAMILY.layer_names(B0)
    assert FAMILY.faults(imagenet) == ()
    for changes, key, message in (
        ({"variant": "b4"}, "variant", "no variant of efficientnet named 'b4'. Known: b0, b1, b2, b3."),
        ({"alpha": 0.5}, "alpha", "efficientnet is scaled by its variant (b0 to b3), not by alpha; leave alpha at 1."),
        ({"weights": "bundled"}, "weights", "efficientnet b3 has no bundled weights; use imagenet, none, or a file."),
    ):
        ((found, what),) = FAMILY.faults(dataclasses.replace(imagenet, **changes))
        assert found == key
        assert what.startswith(message)


@pytest.mark.slow
def test_it_is_trained_and_its_int8_files_agree(edgetl, tmp_path):
    (tmp_path / "swish.yaml").write_text(RECIPE)
    run = edgetl("run", tmp_path / "swish.yaml", "--json", timeout=900)
    assert run.returncode in (0, 1), run.stderr  # 1: the budget of a device
    report = json.loads(run.stdout)
    artifacts = {a["format"]: a for a in report["artifacts"]}
    assert artifacts["tflite"]["top1"] > 0.6, "a network that always says the same would agree with anything"
    against = artifacts["onnx"]["against_origin"]
    assert against["agreement"] >= 0.98 and against["equal_share"] >= 0.9, against
    assert artifacts["onnx"]["int8_mac_share"] == artifacts["tflite"]["int8_mac_share"] == 1.0
    notes = {form: " ".join(artifact["notes"]) for form, artifact in artifacts.items()}
    assert "65 LOGISTIC" in notes["tflite"] and "65 MUL" in notes["tflite"]
    for count in ("82 QLinearConv", "65 QLinearSigmoid", "65 QLinearMul", "17 QLinearGlobalAveragePool", "9 QLinearAdd"):
        assert f"runs {count}" in notes["onnx"], count
    assert "65 sigmoid" in notes["coreml"]
