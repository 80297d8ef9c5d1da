"""Apple's Neural Engine: half precision stays, float32 and ranges of shapes leave."""

import pytest

from edgetl.delegates import apple_ane
from edgetl.devices import load_device


@pytest.fixture(scope="module")
def package(network, tmp_path_factory):
    import coremltools as ct

    def convert(precision, shape):
        kind = ct.TensorType(name="image", shape=shape)
        model = ct.convert(
            network if shape[1] == 16 else _any_size(), source="tensorflow", inputs=[kind], convert_to="mlprogram",
            compute_precision=getattr(ct.precision, precision), minimum_deployment_target=ct.target.iOS15, skip_model_load=True,
        )  # fmt: skip
        path = tmp_path_factory.mktemp("ane") / "m.mlpackage"
        model.save(str(path))
        return path

    return convert


def _any_size():
    import tf_keras

    image = tf_keras.Input((None, None, 3), name="image")
    return tf_keras.Model(image, tf_keras.layers.Conv2D(4, 3)(image))


def test_half_precision_stays_and_float_leaves(package, covered):
    half = covered("apple_ane", package("FLOAT16", (1, 16, 16, 3)), "coreml").coverage
    assert half.mac_share == 1.0
    single = covered("apple_ane", package("FLOAT32", (1, 16, 16, 3)), "coreml").coverage
    assert (single.mac_share, single.partitions) == (0.0, 0)
    assert "Typed Execution" in single.leaving[0].source


def test_a_range_of_shapes_leaves(package, covered):
    import coremltools as ct

    side = ct.RangeDim(lower_bound=8, upper_bound=64, default=16)
    found = covered("apple_ane", package("FLOAT16", (1, side, side, 3)), "coreml").coverage
    assert len(found.leaving) == found.operators
    assert "range" in found.leaving[0].rule


def test_whom_it_serves():
    assert apple_ane.serves(load_device("iphone-14-pro"))
    assert not apple_ane.serves(load_device("pixel-4"))
