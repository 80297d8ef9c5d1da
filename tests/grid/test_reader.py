"""TFLite files are read whole or refused; counts and pads are known answers."""

import numpy as np
import pytest

from edgetl.errors import ConversionError
from edgetl.grid import reader
from edgetl.grid.audit import audit
from edgetl.grid.graph import Graph, Operator, Tensor, core, integer_limits


def test_real_files_are_read(material):
    folder = material / "models"
    graph = reader.read((folder / "mlperf-tiny/image_classification/pretrainedResnet_quant.tflite").read_bytes())
    assert sum(graph.macs(o) for o in graph.operators) == pytest.approx(12.5e6, rel=0.01), "MLPerf Tiny: 12.5 million"
    weight = graph.tensors[graph.operators[0].inputs[1]]
    assert weight.data.shape == weight.shape
    assert len(weight.scale) == weight.shape[weight.axis]


@pytest.mark.parametrize("content", [b"", b"TFL3", b"\x00" * 64, b"\x1c\x00\x00\x00TFL3" + b"\xff" * 200])
def test_what_is_no_model_is_refused(content):
    with pytest.raises(ConversionError, match="not a TFLite file|damaged"):
        reader.read(content)


def test_every_truncation_and_many_flips_are_refused_or_read(int8_tflite):
    data = int8_tflite.read_bytes()
    rng = np.random.default_rng(0)
    for end in rng.integers(0, len(data) - 1, 40):
        try:
            reader.read(data[:end])
        except ConversionError:
            continue
    for place in rng.integers(0, len(data), 200):
        try:
            reader.read(data[:place] + bytes([data[place] ^ 0xFF]) + data[place + 1 :])
        except ConversionError:
            continue


def test_the_core_leaves_out_the_ends(graph):
    first, last, inside = core(graph)
    assert graph.tensors[first].dtype == graph.tensors[last].dtype == "int8"
    assert len(inside) == len(graph.operators) - 2
    assert graph.operators[inside[0]].kind == "CONV_2D"


def _tensor(shape, dtype="int8", scale=0.1, zero=0, data=None):
    return Tensor(
        name="t", shape=shape, dtype=dtype, scale=np.array([scale], np.float32), zero_point=np.array([zero]), axis=0, data=data
    )


@pytest.mark.parametrize(
    ("size", "stride", "kernel", "pads"),
    [
        (224, 2, 3, (0, 0, 1, 1)),
        (7, 1, 3, (1, 1, 1, 1)),
        (8, 2, 1, (0, 0, 0, 0)),
        (5, 2, 5, (2, 2, 2, 2)),
        (6, 3, 2, (0, 0, 0, 0)),
    ],
)
def test_same_padding_is_tensorflows(size, stride, kernel, pads):
    out = -(-size // stride)
    options = {"padding": 0, "strideW": stride, "strideH": stride, "dilationWFactor": 1, "dilationHFactor": 1}
    operator = Operator(kind="CONV_2D", inputs=(0, 1), outputs=(2,), options=options)
    tensors = (_tensor((1, size, size, 3)), _tensor((4, kernel, kernel, 3)), _tensor((1, out, out, 4)))
    graph = Graph(tensors=tensors, operators=(operator,), input=0, output=2)
    assert graph.same_pads(operator) == pads
    assert graph.macs(operator) == out * out * 4 * kernel * kernel * 3


@pytest.mark.parametrize(
    ("activation", "scale", "zero", "needed"),
    [
        (3, 6 / 255, -128, None),
        (3, 6.1 / 255, -128, (0.0, 6.0)),
        (3, 6 / 255, -127, (0.0, 6.0)),
        (0, 1.0, 0, None),
        (1, 1.0, -128, None),
    ],
)
def test_a_clip_is_needed_only_where_integers_could_leave_it(activation, scale, zero, needed):
    operator = Operator(kind="ADD", inputs=(0, 0), outputs=(1,), options={"fusedActivationFunction": activation})
    graph = Graph(tensors=(_tensor((1, 4)), _tensor((1, 4), scale=scale, zero=zero)), operators=(operator,), input=0, output=1)
    assert graph.clip_needed(operator) == needed


def test_a_bias_that_overflowed_is_an_error():
    bias = Tensor(
        name="b", shape=(2,), dtype="int32", scale=np.array([1e-9], np.float32), zero_point=np.array([0]), axis=0,
        data=np.array([5, 2**31 - 1], np.int32),
    )  # fmt: skip
    operator = Operator(kind="FULLY_CONNECTED", inputs=(0, 1, 2), outputs=(3,), options={})
    tensors = (_tensor((1, 4)), _tensor((2, 4), data=np.ones((2, 4), np.int8)), bias, _tensor((1, 2)))
    with pytest.raises(ConversionError, match="the bias of fully_connected_0 does not fit into 32 bits"):
        audit(Graph(tensors=tensors, operators=(operator,), input=0, output=3), "w8a8_qat", "x.tflite")


def test_a_float_island_is_an_error(graph):
    from dataclasses import replace

    tensors = list(graph.tensors)
    place = next(o for o in graph.operators if o.kind == "ADD").outputs[0]
    tensors[place] = replace(tensors[place], dtype="float32")
    with pytest.raises(ConversionError, match=r"x: is not what w8a8_qat says: add_\d+ computes in float"):
        audit(replace(graph, tensors=tuple(tensors)), "w8a8_qat", "x")


def test_limits_of_integers():
    assert [integer_limits(t) for t in ("int8", "uint8", "int16")] == [(-128, 127), (0, 255), (-32768, 32767)]
