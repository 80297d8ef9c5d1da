"""Averages whose halves runtimes round in their own ways, clips that a runtime must not run in float, cuts: the same integers."""

from dataclasses import replace

import numpy as np
import pytest

from edgetl import registry
from edgetl.recipe import Target


@pytest.fixture(scope="module")
def network():
    """Even and odd averages with and without a border, a ReLU on a grid that goes below zero, a cut, a ReLU of its own."""
    import tf_keras

    from edgetl.nn import fake_quant  # noqa: F401 - sets the Keras version

    layers = tf_keras.layers
    tf_keras.utils.set_random_seed(1)
    image = tf_keras.Input((32, 32, 3), name="image")
    x = layers.Activation("relu", name="relu")(layers.Conv2D(8, 3, strides=2, padding="same", name="stem")(image))
    y = layers.Conv2D(8, 3, padding="same", name="other")(x)
    x = layers.Concatenate(name="both")([x, y])
    odd = layers.Cropping2D(((1, 0), (1, 0)), name="cut")(layers.ZeroPadding2D(((0, 1), (0, 1)), name="pad")(x))
    x = layers.Concatenate(name="all")([x, odd])
    border = layers.AveragePooling2D(3, strides=1, padding="same", name="border")(x)
    x = layers.Add(name="add")([border, layers.Conv2D(32, 1, name="beside")(layers.Activation("relu", name="again")(x))])
    x = layers.AveragePooling2D(2, name="halves")(x)
    x = layers.AveragePooling2D(3, strides=1, name="odd")(x)
    return tf_keras.Model(image, layers.Dense(5, name="logits")(layers.GlobalAveragePooling2D(name="pool")(x)))


def test_both_runtimes_compute_the_same_integers(network, images, preprocess, tmp_path):
    from edgetl.converters import tflite
    from edgetl.converters._base import Source
    from edgetl.grid import compare, logits, mil_beside, mil_reference, reader
    from edgetl.nn import fake_quant, frozen
    from edgetl.preprocess import normalise

    quantized = fake_quant.quantize_model(network, preprocess.input_range)
    fake_quant.calibrate(quantized, network, [normalise(images, preprocess)])
    frozen.freeze(quantized, 32, tmp_path / frozen.NETWORK)
    source = Source(network=tmp_path, preprocess=preprocess, class_names=tuple("abcde"), calibration=None, origin=None)
    tflite.convert(source, Target(format="tflite", scheme="w8a8_ptq"), tmp_path / "a.tflite")
    data = (tmp_path / "a.tflite").read_bytes()
    graph = reader.read(data)
    kinds = {operator.kind for operator in graph.operators}
    assert {"AVERAGE_POOL_2D", "CONCATENATION", "STRIDED_SLICE", "PAD", "RELU", "ADD"} <= kinds
    source = replace(source, origin=tmp_path / "a.tflite")
    for activation in ("uint8", "int8"):
        target = Target(format="onnx", scheme="w8a8_ptq", activation=activation)
        made = registry.load("converters", "onnx").convert(source, target, tmp_path / "a.onnx")
        assert any("Clip" in note for note in made.notes), "a ReLU on a grid that goes below zero cuts integers"
        (tmp_path / "b.onnx").write_bytes(logits.cut_onnx((tmp_path / "a.onnx").read_bytes(), graph))
        (tmp_path / "b.tflite").write_bytes(logits.cut_tflite(data, graph))
        found = []
        for runtime, file in (("litert", "b.tflite"), ("onnxruntime", "b.onnx")):
            session = registry.load("runtimes", runtime).open(tmp_path / file, 1, preprocess, tuple("abcde"))
            values = []
            for pixels in images:
                session.set_input(pixels)
                session.invoke()
                values.append(np.rint(session.output() * 256.0))
            session.close()
            found.append(np.array(values, np.int64))
        assert np.ptp(found[0], axis=0).max() > 20
        result = logits.steps(*found)
        assert (result["max_steps"], result["n"]) == (0, 64)
    made = registry.load("converters", "coreml").convert(
        source, Target(format="coreml", scheme="w8a8_ptq"), tmp_path / "a.mlpackage"
    )
    kept, scales = compare.halves(graph)
    assert kept == scales > 60 and f"{scales} of {scales} scales are half-precision numbers" in made.notes
    for arithmetic in ("stored", "float32"):
        package = mil_reference.open_package(tmp_path / "a.mlpackage", arithmetic=arithmetic)
        beside = {b.name: b for pixels in images[:4] for b in mil_beside.walk(package, tmp_path / "a.tflite", pixels, preprocess)}
        border, even, odd = (b for name, b in beside.items() if name.startswith("average_pool_2d"))
        assert (even.unit, even.largest, odd.largest) == ("steps", 0.0, 0.0), "every fourth average of four is a half"
        assert border.largest <= 1.0 and border.share < 0.05, "its halves at the border are left to the runtime"


def test_a_slice_that_is_not_of_height_and_width_is_refused():
    from edgetl.errors import ConversionError
    from edgetl.grid.graph import Graph, Operator, Tensor

    def constant(*values):
        return Tensor(name="c", shape=(4,), dtype="int32", scale=None, zero_point=None, axis=0, data=np.array(values, np.int32))

    def image(*shape):
        return Tensor(name="x", shape=shape, dtype="int8", scale=np.ones(1), zero_point=np.zeros(1), axis=0, data=None)

    def cuts(start, end, **masks):
        tensors = (image(1, 8, 8, 4), constant(*start), constant(*end), constant(1, 1, 1, 1), image(1, 7, 7, 4))
        options = {"beginMask": 0, "endMask": 0, "ellipsisMask": 0, "newAxisMask": 0, "shrinkAxisMask": 0} | masks
        operator = Operator(kind="STRIDED_SLICE", inputs=(0, 1, 2, 3), outputs=(4,), options=options)
        return Graph(tensors=tensors, operators=(operator,), input=0, output=4).cuts(operator)

    assert cuts((0, 1, 1, 0), (1, 8, 8, 4)) == ((0, 1, 1, 0), (1, 8, 8, 4), (1, 1, 1, 1))
    assert cuts((0, 1, 1, 3), (0, 0, -1, 0), beginMask=0b1001, endMask=0b1011)[:2] == ((0, 1, 1, 0), (1, 8, 7, 4))
    for start, end, masks in (
        ((0, 0, 0, 1), (1, 8, 8, 4), {}),
        ((0, 0, 0, 0), (1, 8, 8, 3), {}),
        ((0, 0, 0, 0), (1, 8, 8, 4), {"shrinkAxisMask": 1}),
    ):
        with pytest.raises(ConversionError, match="only a constant slice of height and width"):
            cuts(start, end, **masks)
