"""NASNet-A Mobile: the function of Keras' network in layers a quantizer knows; takes Keras' files."""

import dataclasses

import pytest

from edgetl import registry
from edgetl.errors import InputError
from edgetl.recipe import Backbone

FAMILY = registry.load("backbones", "nasnet_mobile")
MOBILE = Backbone(name="nasnet_mobile", input_px=32, weights="none")
PLAIN = {
    "InputLayer", "ZeroPadding2D", "Cropping2D", "Conv2D", "DepthwiseConv2D", "BatchNormalization", "Activation", "MaxPooling2D",
    "AveragePooling2D", "Concatenate", "Add",
}  # fmt: skip


def _build(section):
    import edgetl.nn  # noqa: F401 - sets the Keras version

    return FAMILY.build(section)


@pytest.mark.slow
def test_it_computes_what_keras_network_computes_from_its_files(proved, difference):
    import tf_keras

    keras = tf_keras.applications.nasnet
    found, ours, theirs = proved(MOBILE, keras.NASNetMobile, keras.preprocess_input)
    assert all(value <= 1e-5 for value in found.values()), found
    assert difference(ours, theirs, lambda pixels: (pixels - 128.0) / 127.5, MOBILE.input_px) > 1e-5, "half a byte is taken up"
    assert FAMILY.layer_names(MOBILE) == tuple(layer.name for layer in ours.layers if "Conv2D" in type(layer).__name__)
    assert {type(layer).__name__ for layer in ours.layers} == PLAIN


@pytest.mark.slow
def test_another_size_has_the_same_layers(proved):
    import tf_keras

    keras, section = tf_keras.applications.nasnet, dataclasses.replace(MOBILE, input_px=97)
    found, ours, _ = proved(section, keras.NASNetMobile, keras.preprocess_input, topped=False)
    assert all(value <= 1e-5 for value in found.values()), found
    assert FAMILY.layer_names(section) == tuple(layer.name for layer in ours.layers if "Conv2D" in type(layer).__name__)


def test_a_wrong_file_is_refused_by_the_first_layers_that_do_not_fit(load, tmp_path):
    import tf_keras

    other = tf_keras.applications.MobileNetV2(alpha=0.35, include_top=False, weights=None, input_shape=(32, 32, 3))
    other.save_weights(tmp_path / "other.h5")
    ours = _build(MOBILE)
    with pytest.raises(InputError, match=r"other\.h5: does not fit the backbone[^\n]*\n\s*stem_conv1: not in the file"):
        load(ours, MOBILE, tmp_path / "other.h5")


def test_what_is_refused():
    for changes, key, message in (
        ({"variant": "x"}, "variant", "nasnet_mobile has no variants; leave the key out."),
        ({"alpha": 0.5}, "alpha", "nasnet_mobile comes in one width; leave alpha at 1."),
        ({"weights": "bundled"}, "weights", "nasnet_mobile has no bundled weights; use imagenet, none, or a file."),
    ):
        ((found, what),) = FAMILY.faults(dataclasses.replace(MOBILE, **changes))
        assert found == key
        assert what.startswith(message)
    assert FAMILY.faults(dataclasses.replace(MOBILE, weights="imagenet")) == ()
    file = FAMILY.imagenet_file(MOBILE)
    assert file.name == "nasnet_mobile_no_top.h5"
    assert file.url.endswith("/nasnet/NASNet-mobile-no-top.h5")


@pytest.mark.slow
def test_a_file_of_its_own_comes_back_exactly(load, settled, tmp_path):
    import numpy as np

    ours = settled(_build(MOBILE))
    for name in ("own.h5", "own.weights.h5"):
        ours.save_weights(tmp_path / name)
        again = _build(MOBILE)
        load(again, MOBILE, tmp_path / name)
        for one, other in zip(ours.get_weights(), again.get_weights(), strict=True):
            assert np.array_equal(one, other), name
