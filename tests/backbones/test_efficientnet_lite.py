"""EfficientNet-Lite: the published sizes; names known without TensorFlow; plain layers only."""

import dataclasses

import numpy as np
import pytest

from edgetl import registry
from edgetl.errors import InputError
from edgetl.recipe import Backbone

FAMILY = registry.load("backbones", "efficientnet_lite")
LITE0 = Backbone(name="efficientnet_lite", variant="lite0", input_px=64, weights="none")
PUBLISHED_M = {"lite0": 4.65, "lite1": 5.42, "lite2": 6.09, "lite3": 8.20, "lite4": 13.01}
"""Trained parameters with 1000 classes; the README of tensorflow/tpu rounds them to 4.7, 5.4, 6.1, 8.2 and 13.0."""


def _build(section):
    import edgetl.nn  # noqa: F401 - sets the Keras version

    return FAMILY.build(section)


@pytest.mark.parametrize("variant", FAMILY.VARIANTS)
def test_it_is_the_published_network(variant):
    section = dataclasses.replace(LITE0, variant=variant)
    model = _build(section)
    convolutions = tuple(layer.name for layer in model.layers if "Conv2D" in type(layer).__name__)
    assert FAMILY.layer_names(section) == convolutions
    trained = sum(int(np.prod(w.shape)) for w in model.trainable_weights) + (1280 + 1) * 1000
    assert round(trained / 1e6, 2) == PUBLISHED_M[variant]
    assert FAMILY.SPECS[f"efficientnet_lite_{variant}_1"].params_m == round(model.count_params() / 1e6, 2)
    kinds = {type(layer).__name__ for layer in model.layers}
    assert kinds == {"InputLayer", "Conv2D", "DepthwiseConv2D", "BatchNormalization", "ReLU", "Add"}
    assert {float(layer.max_value) for layer in model.layers if type(layer).__name__ == "ReLU"} == {6.0}


def test_lite0_has_the_blocks_of_keras_b0():
    import tf_keras

    theirs = tf_keras.applications.EfficientNetB0(input_shape=(64, 64, 3), include_top=False, weights=None)
    shapes = {layer.name: [tuple(w.shape) for w in layer.weights] for layer in theirs.layers}
    ours = _build(LITE0)
    for layer in ours.layers:
        if layer.weights:
            assert [tuple(w.shape) for w in layer.weights] == shapes[layer.name], layer.name
    left = {name for name in shapes if shapes[name] and "_se_" not in name} - {layer.name for layer in ours.layers}
    assert {name.rstrip("_0123456789") for name in left} == {"normalization"}
    for layer in theirs.layers:
        if layer.name in {o.name for o in ours.layers}:
            assert layer.output.shape[1:] == ours.get_layer(layer.name).output.shape[1:], layer.name


def test_what_is_refused():
    for changes, key, message in (
        ({"variant": "lite5"}, "variant", "no variant of efficientnet_lite named 'lite5'. Did you mean"),
        ({"alpha": 0.5}, "alpha", "efficientnet_lite is scaled by its variant"),
        ({"weights": "imagenet"}, "weights", "efficientnet_lite lite0 has no imagenet weights; use none, or a file."),
        ({"weights": "bundled"}, "weights", "efficientnet_lite lite0 has no bundled weights; use none, or a file."),
    ):
        ((found, what),) = FAMILY.faults(dataclasses.replace(LITE0, **changes))
        assert found == key
        assert what.startswith(message)
    assert FAMILY.faults(dataclasses.replace(LITE0, variant=None)) == ()


def test_a_file_of_efficientnet_is_refused(tmp_path):
    """Its layers would all fit; without its gates it is another network."""
    import dataclasses

    import tf_keras

    from edgetl.nn.weights import load_backbone_weights
    from edgetl.recipe import WeightsFile

    theirs = tf_keras.applications.EfficientNetB0(input_shape=(64, 64, 3), include_top=False, weights=None)
    theirs.save_weights(str(tmp_path / "b0.h5"))
    section = dataclasses.replace(LITE0, weights=WeightsFile(path=str(tmp_path / "b0.h5")))
    with pytest.raises(InputError, match="squeeze-and-excite layers .*use backbone efficientnet"):
        load_backbone_weights(_build(LITE0), section)
