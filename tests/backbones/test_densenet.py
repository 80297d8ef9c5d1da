"""DenseNet: Keras' own networks behind a first layer that makes their pixels; takes Keras' files."""

import dataclasses

import pytest

from edgetl import registry
from edgetl.errors import InputError
from edgetl.recipe import Backbone

FAMILY = registry.load("backbones", "densenet")
DENSENET121 = Backbone(name="densenet", variant="densenet121", input_px=32, weights="none")
PLAIN = {
    "InputLayer", "ZeroPadding2D", "Conv2D", "BatchNormalization", "Activation", "MaxPooling2D", "AveragePooling2D",
    "Concatenate",
}  # fmt: skip


def _build(section):
    import edgetl.nn  # noqa: F401 - sets the Keras version

    return FAMILY.build(section)


@pytest.mark.slow
def test_it_computes_what_keras_network_computes_from_its_files(proved):
    import tf_keras

    keras = tf_keras.applications.densenet
    bare = ("w.h5", "w.weights.h5")
    found, ours, _ = proved(DENSENET121, keras.DenseNet121, keras.preprocess_input, bare=bare)
    assert all(value <= 1e-5 for value in found.values()), found
    assert FAMILY.layer_names(DENSENET121) == tuple(layer.name for layer in ours.layers if "Conv2D" in type(layer).__name__)
    assert {type(layer).__name__ for layer in ours.layers} == PLAIN


@pytest.mark.slow
@pytest.mark.parametrize("variant", FAMILY.VARIANTS[1:])
def test_the_larger_ones_do_too(variant, proved):
    import tf_keras

    keras, section = tf_keras.applications.densenet, dataclasses.replace(DENSENET121, variant=variant)
    make = {"densenet169": keras.DenseNet169, "densenet201": keras.DenseNet201}[variant]
    found, ours, _ = proved(section, make, keras.preprocess_input, topped=False)
    assert all(value <= 1e-5 for value in found.values()), found
    assert FAMILY.layer_names(section) == tuple(layer.name for layer in ours.layers if "Conv2D" in type(layer).__name__)


def test_a_wrong_file_is_refused_by_the_first_layers_that_do_not_fit(load, tmp_path):
    import tf_keras

    other = tf_keras.applications.MobileNetV2(alpha=0.35, include_top=False, weights=None, input_shape=(32, 32, 3))
    other.save_weights(tmp_path / "other.h5")
    ours = _build(DENSENET121)
    with pytest.raises(InputError, match=r"other\.h5: does not fit the backbone[^\n]*\n\s*conv1/conv: not in the file"):
        load(ours, DENSENET121, tmp_path / "other.h5")


def test_what_is_refused():
    for changes, key, message in (
        ({"variant": "x"}, "variant", "no variant of densenet named 'x'. Known: densenet121"),
        ({"alpha": 0.5}, "alpha", "densenet comes in one width; leave alpha at 1."),
        ({"weights": "bundled"}, "weights", "densenet densenet121 has no bundled weights; use imagenet, none, or a file."),
    ):
        ((found, what),) = FAMILY.faults(dataclasses.replace(DENSENET121, **changes))
        assert found == key
        assert what.startswith(message)
    assert FAMILY.faults(dataclasses.replace(DENSENET121, variant=None, weights="imagenet")) == ()
    file = FAMILY.imagenet_file(DENSENET121)
    assert file.name == "densenet121_weights_tf_dim_ordering_tf_kernels_notop.h5"
    assert file.url.endswith("/densenet/densenet121_weights_tf_dim_ordering_tf_kernels_notop.h5")
