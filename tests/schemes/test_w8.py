"""Weights only: int8 kernels with a scale for each channel in every format, arithmetic in float."""

import numpy as np
import pytest

from edgetl.errors import ConversionError
from edgetl.grid.weights_only import quantize_weight


@pytest.mark.parametrize("form", ["tflite", "onnx"])
def test_the_file_answers_nearly_like_the_network(make, answers, form):
    made, plain = make(f"{form}/w8"), make(f"{form}/fp32")
    assert 0.0 < np.abs(answers(made) - made.probabilities).max() < 0.05
    assert made.size < 0.45 * plain.size
    assert made.converted.int8_mac_share == 0.0


def test_tflite_and_onnx_hold_the_same_numbers(make, answers):
    assert np.abs(answers(make("tflite/w8")) - answers(make("onnx/w8"))).max() < 1e-4


def test_onnxruntime_unpacks_once_not_at_each_inference(make):
    from edgetl.grid import fused

    counts = fused.operators(make("onnx/w8").path.read_bytes())
    assert not {"Cast", "Mul", "DequantizeLinear"} & set(counts), counts


def test_core_ml_stores_int8(make):
    made = make("coreml/w8")
    assert "6 constexpr_affine_dequantize" in made.notes
    assert made.size < make("coreml/fp16").size


def test_known_answers():
    weight = np.array([[1.27, -0.635, 0.01], [0.0, 0.0, 0.0], [-254.0, 1.0, 0.9]], np.float32)
    integers, scale = quantize_weight(weight, 0)
    assert integers.tolist() == [[127, -64, 1], [0, 0, 0], [-127, 0, 0]]
    assert scale == pytest.approx([0.01, 1.0, 2.0])
    assert quantize_weight(weight, 1)[1] == pytest.approx([2.0, 1 / 127, 0.9 / 127])


def test_every_weight_is_within_half_a_step():
    weight = np.random.default_rng(0).normal(size=(3, 3, 8, 16)).astype(np.float32)
    integers, scale = quantize_weight(weight, 3)
    assert np.abs(integers * scale - weight).max() <= scale.max() / 2 * (1 + 1e-6)


def test_weights_that_are_not_finite_are_refused():
    with pytest.raises(ConversionError, match="not finite"):
        quantize_weight(np.array([[1.0, np.nan]], np.float32), 0)


def test_a_channel_of_next_to_nothing_counts_as_zero():
    integers, scale = quantize_weight(np.array([[1e-44, -1e-44], [1.0, 0.5]], np.float32), 0)
    assert integers.tolist() == [[0, 0], [127, 64]]
    assert scale == pytest.approx([1.0, 1 / 127])


def test_float_files_are_not_w8(make):
    from edgetl.converters import _mlpackage
    from edgetl.grid import weights_only

    with pytest.raises(ConversionError, match=r"x\.onnx: is not what w8 says: the weights of .* are stored as float"):
        weights_only.audit_onnx(make("onnx/fp32").path.read_bytes(), "x.onnx")
    with pytest.raises(ConversionError, match="is not what w8 says: the weight of .* is stored as float"):
        _mlpackage.audit_float(make("coreml/fp16").path, "w8")


def test_a_float_file_is_not_w8(make):
    from edgetl.grid import reader
    from edgetl.grid.audit import audit

    with pytest.raises(ConversionError, match=r"the weights of conv_2d_0 are stored as float"):
        audit(reader.read(make("tflite/fp32").path.read_bytes()), "w8", "x.tflite")
