"""MobileNetV3: the folded gates compute what Keras' network computes, whatever file the weights came in."""

import dataclasses

import numpy as np
import pytest

from edgetl import registry
from edgetl.recipe import Backbone, WeightsFile

FAMILY = registry.load("backbones", "mobilenet_v3")
SMALL = Backbone(name="mobilenet_v3", variant="small", input_px=96, weights="none")
MEMBERS = [
    SMALL,
    dataclasses.replace(SMALL, alpha=0.75),
    dataclasses.replace(SMALL, variant="large"),
    dataclasses.replace(SMALL, variant="large_minimalistic", alpha=0.75),
    dataclasses.replace(SMALL, variant="small_minimalistic"),
]
SECOND = (1, 4)
"""Their parts are proved by the others: `small` by the first, another alpha and `minimalistic` by the fourth."""
PLAIN = {"InputLayer", "Conv2D", "DepthwiseConv2D", "BatchNormalization", "ReLU", "Add", "Multiply", "GlobalAveragePooling2D"}


def _build(section):
    import edgetl.nn  # noqa: F401 - sets the Keras version

    return FAMILY.build(section)


def _keras(section):
    """Keras' own network with no two weights alike and nothing at its neutral value."""
    import tf_keras

    kind, _, minimalistic = section.variant.partition("_")
    make = {"small": tf_keras.applications.MobileNetV3Small, "large": tf_keras.applications.MobileNetV3Large}[kind]
    options = {"include_top": False, "include_preprocessing": False, "weights": None, "minimalistic": bool(minimalistic)}
    model = make(input_shape=(section.input_px, section.input_px, 3), alpha=section.alpha, **options)
    rng = np.random.default_rng(2)
    for layer in model.layers:
        if isinstance(layer, tf_keras.layers.BatchNormalization):
            low_high = ((0.5, 1.5), (-0.5, 0.5), (-0.5, 0.5), (0.5, 1.5))
            layer.set_weights([rng.uniform(*pair, layer.gamma.shape) for pair in low_high])
        elif getattr(layer, "bias", None) is not None:
            layer.set_weights([layer.get_weights()[0], rng.uniform(-2, 2, layer.bias.shape)])
    return model


def _load(model, section, path):
    from edgetl.nn.weights import load_backbone_weights

    return load_backbone_weights(model, dataclasses.replace(section, weights=WeightsFile(path=str(path))))


def _images(section):
    return np.random.default_rng(3).uniform(-1, 1, (2, section.input_px, section.input_px, 3)).astype(np.float32)


def _difference(one, other):
    return float(np.abs(one - other).max() / np.abs(other).max())


@pytest.mark.parametrize(
    "section",
    [
        pytest.param(s, marks=[pytest.mark.slow] if n in SECOND else [], id=f"{s.variant}-{s.alpha:g}")
        for n, s in enumerate(MEMBERS)
    ],
)
def test_it_is_keras_network_in_layers_a_quantizer_knows(section):
    theirs, ours = _keras(section), _build(section)
    convolutions = tuple(layer.name for layer in ours.layers if "Conv2D" in type(layer).__name__)
    assert FAMILY.layer_names(section) == convolutions
    assert convolutions == tuple(layer.name for layer in theirs.layers if "Conv2D" in type(layer).__name__)
    spec = FAMILY.SPECS.get(f"mobilenet_v3_{section.variant}_{section.alpha:g}")
    assert spec is None or spec.params_m == round(ours.count_params() / 1e6, 2)
    assert {type(layer).__name__ for layer in ours.layers} <= PLAIN | {"HardSwish"}

    arrays = {layer.name: layer.get_weights() for layer in theirs.layers}
    kept = {name: [a.copy() for a in given] for name, given in arrays.items()}
    adapted = FAMILY.adapt(section, arrays)
    for layer in ours.layers:
        layer.set_weights(adapted.get(layer.name, []))
    images = _images(section)
    assert _difference(ours(images).numpy(), theirs(images).numpy()) <= 1e-4
    for name, given in kept.items():
        assert all(np.array_equal(a, b) for a, b in zip(given, arrays[name], strict=True)), name


@pytest.mark.parametrize("name", ["w.weights.h5", "w.keras", "w.h5"])
def test_a_file_of_keras_is_folded_and_one_of_its_own_is_not(name, tmp_path):
    theirs, ours, again = _keras(SMALL), _build(SMALL), _build(SMALL)
    (theirs.save if name == "w.keras" else theirs.save_weights)(tmp_path / name)
    _load(ours, SMALL, tmp_path / name)
    images = _images(SMALL)
    assert _difference(ours(images).numpy(), theirs(images).numpy()) <= 1e-4
    (ours.save if name == "w.keras" else ours.save_weights)(tmp_path / f"own_{name}")
    _load(again, SMALL, tmp_path / f"own_{name}")
    for one, other in zip(ours.get_weights(), again.get_weights(), strict=True):
        assert np.array_equal(one, other)


def test_the_published_file_is_folded_too(tmp_path, monkeypatch):
    from edgetl.nn import weights

    theirs, ours = _keras(SMALL), _build(SMALL)
    theirs.save_weights(tmp_path / "published.h5")
    monkeypatch.setattr(weights, "_imagenet", lambda _: tmp_path / "published.h5")
    weights.load_backbone_weights(ours, dataclasses.replace(SMALL, weights="imagenet"))
    images = _images(SMALL)
    assert _difference(ours(images).numpy(), theirs(images).numpy()) <= 1e-4


def test_a_real_file_with_the_names_of_keras_3_is_loaded(material):
    import h5py

    theirs, ours = _keras(SMALL), _build(SMALL)
    path = material / "weights/derived/mobilenet_v3_small_1.0_224_no_top__dequantised_from_tfslim_uint8.h5"
    _load(ours, SMALL, path)
    with h5py.File(path, "r") as file:
        for layer in theirs.layers:
            if layer.weights:
                group = file[layer.name.replace("/BatchNorm", "_bn").replace("/", "_").lower()]
                layer.set_weights([group[name][()] for name in group.attrs["weight_names"]])
    images = _images(SMALL)
    assert _difference(ours(images).numpy(), theirs(images).numpy()) <= 1e-4


def test_random_weights_are_drawn_as_those_of_keras_would_be_folded():
    import tf_keras

    tf_keras.utils.set_random_seed(0)
    theirs = tf_keras.applications.MobileNetV3Small(
        input_shape=(96, 96, 3), include_top=False, include_preprocessing=False, weights=None
    )
    adapted = FAMILY.adapt(SMALL, {layer.name: layer.get_weights() for layer in theirs.layers})
    for layer in _build(SMALL).layers:
        for index, ours in enumerate(layer.get_weights()):
            folded = adapted[layer.name][index]
            assert ours.shape == folded.shape
            deviations = 5.0 * np.sqrt(2.0 / ours.size)  # five standard errors of a difference of two draws
            assert np.isclose(ours.mean(), folded.mean(), atol=deviations * folded.std() + 1e-6), layer.name
            assert np.isclose(ours.std(), folded.std(), rtol=deviations, atol=1e-6), layer.name


def test_hard_swish_is_one_operator_of_tflite_and_survives_saving(tmp_path):
    import tensorflow as tf
    import tf_keras
    from ai_edge_litert.interpreter import Interpreter, OpResolverType

    from edgetl.nn.layers import HardSwish

    values = np.array([-4.0, -3.0, -1.5, 0.0, 1.0, 3.0, 5.0], np.float32)
    expected = values * np.clip(values + 3, 0, 6) / 6
    assert np.allclose(HardSwish()(values), expected, atol=1e-6)

    image = tf_keras.Input((8, 8, 3))
    x = tf_keras.layers.Conv2D(4, 3, use_bias=False)(image)
    model = tf_keras.Model(image, HardSwish(name="swish")(tf_keras.layers.BatchNormalization()(x)))
    model.save(tmp_path / "m.keras")
    back = tf_keras.models.load_model(tmp_path / "m.keras", compile=False)
    assert isinstance(back.get_layer("swish"), HardSwish)

    function = tf.function(model).get_concrete_function(tf.TensorSpec((1, 8, 8, 3), tf.float32))
    content = tf.lite.TFLiteConverter.from_concrete_functions([function], model).convert()
    plain = OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
    interpreter = Interpreter(model_content=content, experimental_op_resolver_type=plain)
    assert [o["op_name"] for o in interpreter._get_ops_details()] == ["CONV_2D", "HARD_SWISH"]


def test_published_files_and_what_is_refused():
    imagenet = dataclasses.replace(SMALL, weights="imagenet")
    assert FAMILY.imagenet_file(imagenet).name == "weights_mobilenet_v3_small_224_1.0_float_no_top_v2.h5"
    large = dataclasses.replace(imagenet, variant="large_minimalistic", alpha=1)
    name = "weights_mobilenet_v3_large_minimalistic_224_1.0_float_no_top_v2.h5"
    assert FAMILY.imagenet_file(large).url == f"https://storage.googleapis.com/tensorflow/keras-applications/mobilenet_v3/{name}"
    assert FAMILY.layer_names(dataclasses.replace(SMALL, variant=None)) == FAMILY.layer_names(SMALL)
    assert FAMILY.faults(imagenet) == ()
    for changes, key, message in (
        (
            {"variant": "medium_minimalistic"},
            "variant",
            "no variant of mobilenet_v3 named 'medium_minimalistic'. Did you mean 'small_minimalistic'? "
            "Known: large, large_minimalistic, small, small_minimalistic.",
        ),
        (
            {"variant": "small_minimalistic", "alpha": 0.75},
            "alpha",
            "mobilenet_v3 small_minimalistic has no imagenet weights at alpha 0.75, only at 1.",
        ),
        ({"weights": "bundled"}, "weights", "mobilenet_v3 small has no bundled weights; use imagenet, none, or a file."),
    ):
        assert FAMILY.faults(dataclasses.replace(imagenet, **changes)) == ((key, message),)
