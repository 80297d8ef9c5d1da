"""The audit of ONNX files: float weights or float activations under an int8 name are refused."""

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from edgetl.converters.onnx import _audit, _name_tensors
from edgetl.errors import ConversionError


def _conv(quantized_input: bool, quantized_weight: bool):
    """One convolution, its input and its weight behind a DequantizeLinear or not."""
    scale = numpy_helper.from_array(np.float32(0.1), "scale")
    zero = numpy_helper.from_array(np.int8(0), "zero")
    weight = np.ones((2, 3, 1, 1))
    initializers, nodes = [scale, zero], []
    data, kernel = "x", "w"
    if quantized_input:
        nodes.append(helper.make_node("QuantizeLinear", ["x", "scale", "zero"], ["xq"]))
        nodes.append(helper.make_node("DequantizeLinear", ["xq", "scale", "zero"], ["xd"]))
        data = "xd"
    initializers.append(numpy_helper.from_array(weight.astype(np.int8 if quantized_weight else np.float32), "w"))
    if quantized_weight:
        nodes.append(helper.make_node("DequantizeLinear", ["w", "scale", "zero"], ["wd"]))
        kernel = "wd"
    nodes.append(helper.make_node("Conv", [data, kernel], ["y"], name="conv"))
    inputs = [helper.make_tensor_value_info("x", TensorProto.FLOAT, (1, 3, 4, 4))]
    outputs = [helper.make_tensor_value_info("y", TensorProto.FLOAT, (1, 2, 4, 4))]
    graph = helper.make_graph(nodes, "g", inputs, outputs, initializers)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def test_a_float_file_passes_as_fp32_and_not_as_int8(tmp_path):
    assert "1 Conv" in _audit(_conv(False, False), "fp32", tmp_path / "x.onnx")
    with pytest.raises(ConversionError, match=r"x\.onnx: is not what w8a8_qat says: activation of Conv conv is float"):
        _audit(_conv(False, False), "w8a8_qat", tmp_path / "x.onnx")


def test_a_half_quantized_file_passes_as_nothing(tmp_path):
    for model in (_conv(True, False), _conv(False, True)):
        for scheme in ("fp32", "w8a8_qat"):
            with pytest.raises(ConversionError):
                _audit(model, scheme, tmp_path / "x.onnx")
    _audit(_conv(True, True), "w8a8_ptq", tmp_path / "x.onnx")


def test_tensors_are_renamed_everywhere():
    model = _conv(True, True)
    _name_tensors(model.graph)
    onnx.checker.check_model(model, full_check=True)
    assert (model.graph.input[0].name, model.graph.output[0].name) == ("image", "probabilities")
