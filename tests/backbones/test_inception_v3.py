"""Inception-v3: Keras' network under names of its own, however many were built before; takes Keras' files."""

import dataclasses

import pytest

from edgetl import registry
from edgetl.errors import InputError
from edgetl.recipe import Backbone

FAMILY = registry.load("backbones", "inception_v3")
V3 = Backbone(name="inception_v3", input_px=75, weights="none")
PLAIN = {
    "InputLayer", "Conv2D", "BatchNormalization", "Activation", "MaxPooling2D", "AveragePooling2D", "Concatenate",
}  # fmt: skip


def _build(section):
    import edgetl.nn  # noqa: F401 - sets the Keras version

    return FAMILY.build(section)


def test_it_computes_what_keras_network_computes_from_its_files(proved, difference):
    import tf_keras

    keras = tf_keras.applications.inception_v3
    bare = ("w.h5", "w.weights.h5")
    found, ours, theirs = proved(V3, keras.InceptionV3, keras.preprocess_input, bare=bare)
    assert all(value <= 1e-3 for value in found.values()), found
    assert difference(ours, theirs, lambda pixels: (pixels - 128.0) / 127.5, V3.input_px) <= 1e-5
    assert FAMILY.layer_names(V3) == tuple(layer.name for layer in ours.layers if "Conv2D" in type(layer).__name__)
    assert {type(layer).__name__ for layer in ours.layers} == PLAIN


@pytest.mark.parametrize("begin", [0, 1, 95])
def test_a_file_may_number_its_layers_from_anywhere(begin):
    """The published file begins at conv2d_1, the first network of a process at conv2d, the second at conv2d_94."""
    ours = _build(V3)
    given = {layer.name: layer.get_weights() for layer in ours.layers if layer.weights}
    named = {}
    for name, arrays in given.items():
        kind, _, number = name.rpartition("_")
        place = int(number) - 1 + begin
        named[f"{kind}_{place}" if place else kind] = arrays
    adapted = FAMILY.adapt(V3, named)
    assert set(adapted) == set(given)
    for name, arrays in given.items():
        assert all(one is other for one, other in zip(arrays, adapted[name], strict=True)), name


def test_a_wrong_file_is_refused_by_the_first_layers_that_do_not_fit(load, tmp_path):
    import tf_keras

    other = tf_keras.applications.MobileNetV2(alpha=0.35, include_top=False, weights=None, input_shape=(32, 32, 3))
    other.save_weights(tmp_path / "other.h5")
    ours = _build(V3)
    with pytest.raises(InputError, match=r"other\.h5: does not fit the backbone[^\n]*\n\s*conv2d_1: not in the file"):
        load(ours, V3, tmp_path / "other.h5")


def test_what_is_refused():
    for changes, key, message in (
        ({"variant": "x"}, "variant", "inception_v3 has no variants; leave the key out."),
        ({"alpha": 0.5}, "alpha", "inception_v3 comes in one width; leave alpha at 1."),
        ({"weights": "bundled"}, "weights", "inception_v3 has no bundled weights; use imagenet, none, or a file."),
        ({"input_px": 74}, "input_px", "inception_v3 needs at least 75; 299 is usual."),
    ):
        ((found, what),) = FAMILY.faults(dataclasses.replace(V3, **changes))
        assert found == key
        assert what.startswith(message)
    assert FAMILY.faults(dataclasses.replace(V3, weights="imagenet")) == ()
    file = FAMILY.imagenet_file(V3)
    assert file.name == "inception_v3_weights_tf_dim_ordering_tf_kernels_notop.h5"
    assert file.url.endswith("/inception_v3/inception_v3_weights_tf_dim_ordering_tf_kernels_notop.h5")
