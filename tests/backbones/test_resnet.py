"""ResNet: Keras' own networks, flat; the first version behind a layer that makes its pixels."""

import dataclasses

import pytest

from edgetl import registry
from edgetl.errors import InputError
from edgetl.recipe import Backbone

FAMILY = registry.load("backbones", "resnet")
RESNET50 = Backbone(name="resnet", variant="resnet50", input_px=32, weights="none")
PLAIN = {"InputLayer", "ZeroPadding2D", "Conv2D", "BatchNormalization", "Activation", "MaxPooling2D", "Add"}


def _build(section):
    import edgetl.nn  # noqa: F401 - sets the Keras version

    return FAMILY.build(section)


def test_the_first_version_computes_what_keras_network_computes_from_its_files(proved):
    import tf_keras

    bare = ("w.h5", "w.weights.h5")
    found, ours, _ = proved(RESNET50, tf_keras.applications.ResNet50, tf_keras.applications.resnet50.preprocess_input, bare=bare)
    assert all(value <= 1e-5 for value in found.values()), found
    assert FAMILY.layer_names(RESNET50) == tuple(layer.name for layer in ours.layers if "Conv2D" in type(layer).__name__)
    assert {type(layer).__name__ for layer in ours.layers} == PLAIN


def test_the_second_version_does_too_but_for_half_a_byte(proved, difference):
    import tf_keras

    section = dataclasses.replace(RESNET50, variant="resnet50v2")
    found, ours, theirs = proved(
        section, tf_keras.applications.ResNet50V2, tf_keras.applications.resnet_v2.preprocess_input, topped=False
    )
    assert all(value <= 1e-3 for value in found.values()), found
    assert difference(ours, theirs, lambda pixels: (pixels - 128.0) / 127.5, section.input_px) <= 1e-6
    assert FAMILY.layer_names(section) == tuple(layer.name for layer in ours.layers if "Conv2D" in type(layer).__name__)
    assert {type(layer).__name__ for layer in ours.layers} == PLAIN


def test_a_wrong_file_is_refused_by_the_first_layers_that_do_not_fit(load, tmp_path):
    import tf_keras

    other = tf_keras.applications.MobileNetV2(alpha=0.35, include_top=False, weights=None, input_shape=(32, 32, 3))
    other.save_weights(tmp_path / "other.h5")
    ours = _build(RESNET50)
    with pytest.raises(InputError, match=r"other\.h5: does not fit the backbone[^\n]*\n\s*conv1_conv: not in the file"):
        load(ours, RESNET50, tmp_path / "other.h5")


def test_what_is_refused():
    for changes, key, message in (
        ({"variant": "x"}, "variant", "no variant of resnet named 'x'. Known: resnet50"),
        ({"alpha": 0.5}, "alpha", "resnet comes in one width; leave alpha at 1."),
        ({"weights": "bundled"}, "weights", "resnet resnet50 has no bundled weights; use imagenet, none, or a file."),
    ):
        ((found, what),) = FAMILY.faults(dataclasses.replace(RESNET50, **changes))
        assert found == key
        assert what.startswith(message)
    assert FAMILY.faults(dataclasses.replace(RESNET50, variant=None, weights="imagenet")) == ()
    file = FAMILY.imagenet_file(RESNET50)
    assert file.name == "resnet50_weights_tf_dim_ordering_tf_kernels_notop.h5"
    assert file.url.endswith("/resnet/resnet50_weights_tf_dim_ordering_tf_kernels_notop.h5")
