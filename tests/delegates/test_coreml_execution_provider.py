"""Core ML by onnxruntime: its list; integers are not in it."""

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from edgetl.delegates import coreml_execution_provider
from edgetl.devices import load_device


def test_it_agrees_with_the_checker(onnx_network, covered):
    from onnxruntime.tools.mobile_helpers import usability_checker

    path = onnx_network("Floor")
    theirs = usability_checker.check_coreml_partitions(onnx.load(path), False, "coreml_supported_mlprogram_ops.md")
    found = covered("coreml_execution_provider", path, "onnx").coverage
    assert found.operators - len(found.leaving) == theirs.num_supported_nodes == 3
    assert found.partitions == theirs.num_partitions == 2


def test_quantize_and_dequantize_leave(covered, tmp_path):
    constants = [numpy_helper.from_array(np.ones((4, 4, 1, 1), np.int8), "k"), numpy_helper.from_array(np.float32(0.1), "s")]
    constants += [numpy_helper.from_array(np.uint8(0), "z"), numpy_helper.from_array(np.int8(0), "kz")]
    nodes = [
        helper.make_node("QuantizeLinear", ["x", "s", "z"], ["xq"]),
        helper.make_node("DequantizeLinear", ["xq", "s", "z"], ["xr"]),
        helper.make_node("DequantizeLinear", ["k", "s", "kz"], ["kr"]),
        helper.make_node("Conv", ["xr", "kr"], ["c"]),
        helper.make_node("QuantizeLinear", ["c", "s", "z"], ["cq"]),
        helper.make_node("DequantizeLinear", ["cq", "s", "z"], ["y"]),
    ]
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 4, 8, 8]) for name in ("x", "y")]
    graph = helper.make_graph(nodes, "g", [ends[0]], [ends[1]], constants)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), tmp_path / "q.onnx")
    found = covered("coreml_execution_provider", tmp_path / "q.onnx", "onnx")
    assert found.left == {"DequantizeLinear": 3, "QuantizeLinear": 2}
    assert (found.coverage.mac_share, found.coverage.partitions) == (1.0, 1)  # the convolution runs there, in float


def test_whom_it_serves():
    assert coreml_execution_provider.serves(load_device("iphone-14-pro"))
    assert not coreml_execution_provider.serves(load_device("pixel-4"))
