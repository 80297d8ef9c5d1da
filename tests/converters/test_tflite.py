"""The audit of TFLite files: a file that is not what its scheme says is refused."""

import pytest

from edgetl.converters import _flatbuffer
from edgetl.errors import ConversionError

MODELS = "models/tflite-support"


def test_a_real_float_file_passes_as_fp32_and_as_nothing_else(material, tmp_path):
    data = (material / MODELS / "mobilenet_v1_0.25_224_1_default_1.tflite").read_bytes()
    inputs, outputs, notes = _flatbuffer.audit(data, "fp32", tmp_path / "x.tflite")
    assert inputs[0].shape == (1, 224, 224, 3)
    assert inputs[0].dtype == outputs[0].dtype == "float32"
    assert "13 DEPTHWISE_CONV_2D" in notes
    for scheme in ("fp16", "w8a8_ptq", "w8a8_qat"):
        with pytest.raises(ConversionError, match=rf"x\.tflite: is not what {scheme} says"):
            _flatbuffer.audit(data, scheme, tmp_path / "x.tflite")


def test_a_uint8_file_is_not_int8(material, tmp_path):
    data = (material / MODELS / "mobilenet_v1_0.25_224_quant.tflite").read_bytes()
    with pytest.raises(ConversionError, match="computes uint8 × uint8, w8a8_qat means int8 × int8"):
        _flatbuffer.audit(data, "w8a8_qat", tmp_path / "x.tflite")


def test_a_real_int8_file_passes_and_its_grid_is_read(material, tmp_path):
    data = (material / "models/mlperf-tiny/image_classification/pretrainedResnet_quant.tflite").read_bytes()
    inputs, _, _ = _flatbuffer.audit(data, "w8a8_ptq", tmp_path / "x.tflite")
    assert inputs[0].dtype == "int8"
    assert inputs[0].scale is not None
    assert inputs[0].zero_point is not None


def test_naming_leaves_the_answers_alone(material, tmp_path):
    import numpy as np
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
