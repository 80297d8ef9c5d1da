"""Nodes of ONNX files: counted by hand; quantize and dequantize nodes belong to the operator they stand around."""

import numpy as np
import pytest

from edgetl.errors import InputError
from edgetl.graphs import onnx as reader

onnx = pytest.importorskip("onnx")
from onnx import TensorProto, helper, numpy_helper  # noqa: E402


def _write(path, nodes, constants, inputs, outputs):
    def value(name, shape, kind=TensorProto.FLOAT):
        return helper.make_tensor_value_info(name, kind, shape)

    initializers = [numpy_helper.from_array(array, name) for name, array in constants.items()]
    graph = helper.make_graph(nodes, "g", [value(*i) for i in inputs], [value(*o) for o in outputs], initializers)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)]), path)
    return reader.read(path)


def test_a_float_network_counted_by_hand(tmp_path):
    nodes = [
        helper.make_node("Conv", ["x", "k", "b"], ["c"], strides=[2, 2], pads=[1, 1, 1, 1]),
        helper.make_node("Relu", ["c"], ["r"]),
        helper.make_node("Conv", ["r", "d"], ["e"], group=8, pads=[1, 1, 1, 1]),
        helper.make_node("GlobalAveragePool", ["e"], ["p"]),
        helper.make_node("Flatten", ["p"], ["f"]),
        helper.make_node("Gemm", ["f", "w"], ["y"], transB=1),
    ]
    constants = {
        "k": np.zeros((8, 3, 3, 3), np.float32), "b": np.zeros(8, np.float32),
        "d": np.zeros((8, 1, 3, 3), np.float32), "w": np.zeros((5, 8), np.float32),
    }  # fmt: skip
    found = _write(tmp_path / "m.onnx", nodes, constants, [("x", ["n", 3, 32, 32])], [("y", ["n", 5])])
    by_type = {entry.type: entry for entry in found.by_type()}
    assert by_type["Conv"].macs == 16 * 16 * 8 * 27 + 16 * 16 * 8 * 9
    assert by_type["Gemm"].macs == 40
    assert by_type["Conv"].weight_bytes == 4 * (8 * 27 + 8 + 8 * 9)
    assert by_type["Conv"].input_bytes == 4 * (3 * 32 * 32 + 8 * 16 * 16)
    assert by_type["GlobalAveragePool"].output_bytes == 4 * 8
    assert [operator.arithmetic for operator in found.operators] == ["float32"] * 6
    assert found.int8_mac_share == 0.0
    assert found.operators[0].kernel == (8, 3, 3, 3)
    assert found.operators[0].inputs == ((1, 3, 32, 32),)


def test_what_is_quantized_around_is_int8_and_its_values_are_bytes(tmp_path):
    def quantize(name, out):
        return helper.make_node("QuantizeLinear", [name, "s", "z"], [out])

    def dequantize(name, out):
        return helper.make_node("DequantizeLinear", [name, "s", "z"], [out])

    nodes = [
        quantize("x", "xq"), dequantize("xq", "xd"), dequantize("kq", "kd"),
        helper.make_node("Conv", ["xd", "kd"], ["c"]), quantize("c", "cq"), dequantize("cq", "cd"),
        helper.make_node("Softmax", ["cd"], ["y"], axis=1),
    ]  # fmt: skip
    constants = {"kq": np.zeros((4, 3, 1, 1), np.int8), "s": np.float32(0.1), "z": np.int8(0)}
    found = _write(tmp_path / "m.onnx", nodes, constants, [("x", [1, 3, 8, 8])], [("y", [1, 4, 8, 8])])
    assert [(o.type, o.arithmetic) for o in found.operators] == [
        ("QuantizeLinear", "other"), ("Conv", "int8"), ("DequantizeLinear", "other"), ("Softmax", "float32"),
    ]  # fmt: skip
    convolution = found.operators[1]
    assert (convolution.input_bytes, convolution.output_bytes, convolution.weight_bytes) == (3 * 64, 4 * 64, 12)
    assert convolution.macs == 64 * 12
    assert found.int8_mac_share == 1.0


def test_weights_alone_in_integers_are_hybrid_and_damage_is_told(tmp_path):
    nodes = [
        helper.make_node("DequantizeLinear", ["wq", "s", "z"], ["w"]),
        helper.make_node("MatMul", ["x", "w"], ["y"]),
    ]
    constants = {"wq": np.zeros((6, 4), np.int8), "s": np.float32(0.1), "z": np.int8(0)}
    found = _write(tmp_path / "m.onnx", nodes, constants, [("x", [1, 6])], [("y", [1, 4])])
    (product,) = found.operators
    assert (product.arithmetic, product.macs, product.weight_bytes) == ("hybrid", 24, 24)
    (tmp_path / "bad.onnx").write_bytes(b"\xff" * 100)
    with pytest.raises(InputError, match=r"bad\.onnx: is not an ONNX file"):
        reader.read(tmp_path / "bad.onnx")
