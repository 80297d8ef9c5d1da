"""Float ONNX: names, stamps, layouts and batches; int8 is tested in tests/grid."""

import numpy as np
import onnx
import pytest

from edgetl.converters import onnx as converter
from edgetl.converters._base import Source
from edgetl.recipe import Target
from edgetl.types import Preprocess

PX = 16


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    import tf_keras

    from edgetl.nn import frozen

    tf_keras.utils.set_random_seed(0)
    image = tf_keras.Input((PX, PX, 3), name="image")
    x = tf_keras.layers.Conv2D(4, 3, activation="relu")(image)
    model = tf_keras.Model(image, tf_keras.layers.Dense(3, name="logits")(tf_keras.layers.GlobalAveragePooling2D()(x)))
    folder = tmp_path_factory.mktemp("network")
    frozen.freeze(model, PX, folder / frozen.NETWORK)
    return Source(
        network=folder,
        preprocess=Preprocess(resize_px=PX, crop_px=PX),
        class_names=("a", "b", "c"),
        calibration=None,
        origin=None,
    )


@pytest.mark.parametrize("layout", ["NHWC", "NCHW"])
@pytest.mark.parametrize("batch", ["fixed", "dynamic"])
def test_layout_and_batch_are_as_asked(source, layout, batch, tmp_path):
    import onnxruntime

    target = Target(format="onnx", scheme="fp32", layout=layout, batch=batch)
    converted = converter.convert(source, target, tmp_path / "x.onnx")
    model = onnx.load(tmp_path / "x.onnx")
    assert (model.ir_version, model.opset_import[0].version) == (8, 17)
    count = 5 if batch == "dynamic" else 1
    images = np.random.default_rng(0).uniform(-1, 1, (count, PX, PX, 3)).astype(np.float32)
    session = onnxruntime.InferenceSession(str(tmp_path / "x.onnx"))
    (found,) = session.run(["probabilities"], {"image": images if layout == "NHWC" else images.transpose(0, 3, 1, 2)})
    wanted = source.function(count)(image=images)["probabilities"].numpy()
    assert np.abs(found - wanted).max() < 1e-5
    assert converted.inputs[0].shape == ((-1 if batch == "dynamic" else 1), *((PX, PX, 3) if layout == "NHWC" else (3, PX, PX)))
