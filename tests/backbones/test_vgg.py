"""VGG: Keras' network behind a first layer that makes its pixels; takes Keras' files."""

import dataclasses

import pytest

from edgetl import registry
from edgetl.errors import InputError
from edgetl.recipe import Backbone

FAMILY = registry.load("backbones", "vgg")
VGG16 = Backbone(name="vgg", variant="vgg16", input_px=32, weights="none")
PLAIN = {"InputLayer", "Conv2D", "MaxPooling2D"}


def _build(section):
    import edgetl.nn  # noqa: F401 - sets the Keras version

    return FAMILY.build(section)


@pytest.mark.parametrize("variant", FAMILY.VARIANTS)
def test_it_computes_what_keras_network_computes_from_its_files(variant, proved):
    import tf_keras

    section = dataclasses.replace(VGG16, variant=variant)
    make = {"vgg16": tf_keras.applications.VGG16, "vgg19": tf_keras.applications.VGG19}[variant]
    bare = ("w.h5", "w.weights.h5", "w.keras") if variant == "vgg16" else ("w.h5",)
    found, ours, _ = proved(section, make, tf_keras.applications.vgg16.preprocess_input, bare=bare)
    assert all(value <= 1e-5 for value in found.values()), found
    assert FAMILY.layer_names(section) == tuple(layer.name for layer in ours.layers if "Conv2D" in type(layer).__name__)
    assert {type(layer).__name__ for layer in ours.layers} == PLAIN


def test_a_file_of_its_own_keeps_its_first_layer(load, tmp_path):
    import numpy as np

    ours = _build(VGG16)
    kernel, bias = ours.get_layer("normalise").get_weights()
    ours.get_layer("normalise").set_weights([kernel * 1.01, bias + 1.0])
    for name in ("own.h5", "own.weights.h5", "own.keras"):
        (ours.save if name == "own.keras" else ours.save_weights)(tmp_path / name)
        again = _build(VGG16)
        load(again, VGG16, tmp_path / name)
        for one, other in zip(ours.get_weights(), again.get_weights(), strict=True):
            assert np.array_equal(one, other), name


def test_a_wrong_file_is_refused_by_the_first_layers_that_do_not_fit(load, tmp_path):
    import tf_keras

    other = tf_keras.applications.MobileNetV2(alpha=0.35, include_top=False, weights=None, input_shape=(32, 32, 3))
    other.save_weights(tmp_path / "other.h5")
    ours = _build(VGG16)
    with pytest.raises(InputError, match=r"other\.h5: does not fit the backbone[^\n]*\n\s*block1_conv1: not in the file"):
        load(ours, VGG16, tmp_path / "other.h5")


def test_what_is_refused():
    for changes, key, message in (
        ({"variant": "x"}, "variant", "no variant of vgg named 'x'. Known: vgg16"),
        ({"alpha": 0.5}, "alpha", "vgg comes in one width; leave alpha at 1."),
        ({"weights": "bundled"}, "weights", "vgg vgg16 has no bundled weights; use imagenet, none, or a file."),
    ):
        ((found, what),) = FAMILY.faults(dataclasses.replace(VGG16, **changes))
        assert found == key
        assert what.startswith(message)
    assert FAMILY.faults(dataclasses.replace(VGG16, variant=None, weights="imagenet")) == ()
    file = FAMILY.imagenet_file(VGG16)
    assert file.name == "vgg16_weights_tf_dim_ordering_tf_kernels_notop.h5"
    assert file.url.endswith("/vgg16/vgg16_weights_tf_dim_ordering_tf_kernels_notop.h5")
