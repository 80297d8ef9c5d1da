"""EfficientNetV2: keras.applications' own network to a float's precision; int8 in integers throughout."""

import dataclasses
import json

import numpy as np
import pytest

from edgetl import registry
from edgetl.errors import InputError
from edgetl.recipe import Backbone, WeightsFile

FAMILY = registry.load("backbones", "efficientnet_v2")
B0 = Backbone(name="efficientnet_v2", variant="b0", input_px=64, weights="none")
PLAIN = {
    "InputLayer", "Conv2D", "DepthwiseConv2D", "BatchNormalization", "Sigmoid", "Multiply", "GlobalAveragePooling2D", "Add",
}  # fmt: skip
TRAINED = {"b0": 7_139_704, "b1": 8_141_052}
"""Trained parameters with 1000 classes; the README of google/automl rounds them to 7.1 M and 8.1 M."""
CLOSE = 1e-4

RECIPE = """\
schema: 1
name: fused
data: {source: builtin, name: digits, split: {train: 0.6, val: 0.2, test: 0.2, seed: 7}}
backbone: {name: efficientnet_v2, variant: b0, input_px: 64, weights: none}
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


def _keras(section, *, top=False):
    import tf_keras

    tf_keras.utils.set_random_seed(1)
    make = getattr(tf_keras.applications, f"EfficientNetV2{section.variant.upper()}")
    return make(input_shape=(section.input_px, section.input_px, 3), include_top=top, weights=None)


def _load(section, path):
    from edgetl.nn.weights import load_backbone_weights

    model = _build(section)
    load_backbone_weights(model, dataclasses.replace(section, weights=WeightsFile(path=str(path))))
    return model


@pytest.mark.parametrize("variant", ["b0", pytest.param("b1", marks=pytest.mark.slow)])
def test_it_is_the_published_network_in_layers_a_quantizer_knows(variant, keras_applications):
    spec = FAMILY.SPECS[f"efficientnet_v2_{variant}_1"]
    model = _build(dataclasses.replace(B0, variant=variant, input_px=spec.input_px))
    convolutions = tuple(layer.name for layer in model.layers if "Conv2D" in type(layer).__name__)
    assert FAMILY.layer_names(dataclasses.replace(B0, variant=variant)) == convolutions
    assert {type(layer).__name__ for layer in model.layers} == PLAIN
    counted = keras_applications.counted(model)
    assert counted.trained - 12 == TRAINED[variant], "twelve weights are those of `normalise`"
    assert spec.params_m == round(counted.all_m, 2)
    assert spec.macs_m == pytest.approx(counted.macs_m, rel=1e-3)


@pytest.mark.parametrize(
    ("variant", "px", "top"),
    [
        ("b0", 64, False),
        pytest.param("b0", 65, True, marks=pytest.mark.slow),
        pytest.param("b1", 96, False, marks=pytest.mark.slow),
    ],
)
def test_a_file_of_keras_gives_the_same_features(variant, px, top, tmp_path, keras_applications):
    section = dataclasses.replace(B0, variant=variant, input_px=px)
    theirs = keras_applications.awaken(_keras(section, top=top))
    theirs.save_weights(tmp_path / "w.h5")
    assert keras_applications.difference(_load(section, tmp_path / "w.h5"), theirs, "top_activation") <= CLOSE


def test_the_published_file_is_the_one_keras_asks_for(tmp_path, monkeypatch, keras_applications):
    import tf_keras
    from tf_keras.src.applications import efficientnet_v2

    from edgetl.nn import weights

    file = FAMILY.imagenet_file(dataclasses.replace(B0, weights="imagenet"))
    keras_applications.awaken(_keras(B0)).save_weights(tmp_path / file.name)
    asked = []

    def get_file(name, url, **_):
        asked.append((name, url))
        return str(tmp_path / name)

    monkeypatch.setattr(efficientnet_v2.data_utils, "get_file", get_file)
    theirs = tf_keras.applications.EfficientNetV2B0(input_shape=(64, 64, 3), include_top=False, weights="imagenet")
    assert asked == [(file.name, file.url)]
    monkeypatch.setattr(weights, "_imagenet", lambda _: tmp_path / file.name)
    ours = _build(B0)
    weights.load_backbone_weights(ours, dataclasses.replace(B0, weights="imagenet"))
    assert keras_applications.difference(ours, theirs, "top_activation") <= CLOSE


def test_its_own_file_comes_back_as_it_was(tmp_path):
    ours = _build(B0)
    kernel, bias = ours.get_layer("normalise").get_weights()
    ours.get_layer("normalise").set_weights([kernel * 1.25, bias + 0.5])
    ours.save_weights(tmp_path / "w.weights.h5")
    for one, other in zip(ours.get_weights(), _load(B0, tmp_path / "w.weights.h5").get_weights(), strict=True):
        assert np.array_equal(one, other)


def test_a_file_of_another_network_is_refused(tmp_path):
    b1 = dataclasses.replace(B0, variant="b1")
    _keras(B0).save_weights(tmp_path / "b0.h5")
    with pytest.raises(InputError, match=r"b0\.h5: does not fit the backbone .*\n  block1b_project_conv: not in the file\."):
        _load(b1, tmp_path / "b0.h5")
    deeper = {layer.name: layer.get_weights() for layer in _keras(b1).layers}
    words = r"does not fit efficientnet_v2 b0 .*\n  block1b_project_conv: in the file, not in the backbone\."
    with pytest.raises(InputError, match=words):
        FAMILY.adapt(B0, deeper)


def test_published_files_and_what_is_refused():
    imagenet = dataclasses.replace(B0, variant="b1", weights="imagenet")
    assert FAMILY.imagenet_file(imagenet).name == "efficientnetv2-b1_notop.h5"
    assert FAMILY.layer_names(dataclasses.replace(B0, variant=None)) == FAMILY.layer_names(B0)
    assert FAMILY.faults(imagenet) == ()
    for changes, key, message in (
        ({"variant": "s"}, "variant", "no variant of efficientnet_v2 named 's'. Known: b0, b1."),
        ({"alpha": 0.5}, "alpha", "efficientnet_v2 is scaled by its variant (b0, b1), not by alpha; leave alpha at 1."),
        ({"weights": "bundled"}, "weights", "efficientnet_v2 b1 has no bundled weights; use imagenet, none, or a file."),
    ):
        assert FAMILY.faults(dataclasses.replace(imagenet, **changes)) == ((key, message),)


@pytest.mark.slow
def test_it_is_trained_and_its_int8_files_agree(edgetl, tmp_path):
    (tmp_path / "fused.yaml").write_text(RECIPE)
    run = edgetl("run", tmp_path / "fused.yaml", "--json", timeout=900)
    assert run.returncode in (0, 1), run.stderr  # 1: the budget of a device
    artifacts = {a["format"]: a for a in json.loads(run.stdout)["artifacts"]}
    assert artifacts["tflite"]["top1"] > 0.6, "a network that always says the same would agree with anything"
    against = artifacts["onnx"]["against_origin"]
    assert against["agreement"] >= 0.98 and against["equal_share"] >= 0.9, against
    notes = {form: " ".join(artifact["notes"]) for form, artifact in artifacts.items()}
    counts = {kind: sum(1 for layer in _build(B0).layers if type(layer).__name__ == kind) for kind in ("Sigmoid", "Multiply")}
    assert f"runs {counts['Sigmoid']} QLinearSigmoid" in notes["onnx"]
    assert f"runs {counts['Multiply']} QLinearMul" in notes["onnx"]
    assert f"{counts['Sigmoid']} sigmoid" in notes["coreml"]
