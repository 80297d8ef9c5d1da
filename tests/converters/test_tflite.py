"""TFLite: named tensors, integer input and output; the audit refuses a file that is not what its scheme says."""

import numpy as np
import pytest

from edgetl.converters import _flatbuffer
from edgetl.errors import ConversionError
from edgetl.grid import reader
from edgetl.grid.audit import audit

MODELS = "models/tflite-support"


def test_a_real_float_file_passes_as_fp32_and_as_nothing_else(material):
    data = (material / MODELS / "mobilenet_v1_0.25_224_1_default_1.tflite").read_bytes()
    graph = reader.read(data)
    facts = audit(graph, "fp32", "x.tflite")
    assert graph.tensors[graph.input].shape == (1, 224, 224, 3)
    assert facts.int8_mac_share == 0.0
    assert "13 DEPTHWISE_CONV_2D" in facts.notes
    assert sum(graph.macs(o) for o in graph.operators) == pytest.approx(41e6, rel=0.02), "41 million: the paper's figure"
    for scheme in ("fp16", "w8a8_ptq", "w8a8_qat"):
        with pytest.raises(ConversionError, match=rf"x\.tflite: is not what {scheme} says"):
            audit(graph, scheme, "x.tflite")


def test_a_uint8_file_is_not_int8(material):
    graph = reader.read((material / MODELS / "mobilenet_v1_0.25_224_quant.tflite").read_bytes())
    with pytest.raises(ConversionError, match="computes uint8 × uint8, w8a8_qat means int8 × int8"):
        audit(graph, "w8a8_qat", "x.tflite")


def test_a_real_int8_file_passes_and_its_grid_is_read(material):
    graph = reader.read((material / "models/mlperf-tiny/image_classification/pretrainedResnet_quant.tflite").read_bytes())
    assert audit(graph, "w8a8_ptq", "x.tflite").int8_mac_share == 1.0
    spec = _flatbuffer.spec(graph.tensors[graph.input], "NHWC")
    assert spec.dtype == "int8"
    assert spec.scale is not None and spec.zero_point is not None


def test_naming_leaves_the_answers_alone(material):
    from ai_edge_litert.interpreter import Interpreter

    data = (material / MODELS / "mobilenet_v1_0.25_224_1_default_1.tflite").read_bytes()
    image = np.random.default_rng(0).random((1, 224, 224, 3), np.float32)
    answers = []
    for content in (data, _flatbuffer.name_tensors(data)):
        interpreter = Interpreter(model_content=content)
        interpreter.allocate_tensors()
        interpreter.set_tensor(interpreter.get_input_details()[0]["index"], image)
        interpreter.invoke()
        answers.append(interpreter.get_tensor(interpreter.get_output_details()[0]["index"]))
    assert np.array_equal(*answers)
    assert interpreter.get_signature_list() == {"serving_default": {"inputs": ["image"], "outputs": ["probabilities"]}}
