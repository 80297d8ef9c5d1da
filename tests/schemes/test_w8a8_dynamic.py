"""int8 weights, activations quantized on the fly: large kernels are int8, values between operators float."""

import numpy as np
import pytest

from edgetl.errors import ConversionError


def test_it_is_hybrid_and_answers_nearly_like_the_network(make, answers):
    from edgetl.grid import reader

    made = make("tflite/w8a8_dynamic")
    graph = reader.read(made.path.read_bytes())
    kernels = [graph.tensors[o.inputs[1]] for o in graph.operators if o.kind in ("CONV_2D", "FULLY_CONNECTED")]
    assert sorted({k.dtype for k in kernels}) == ["float32", "int8"], "small kernels stay float"
    assert np.abs(answers(made) - made.probabilities).max() < 0.05
    assert made.size < 0.45 * make("tflite/fp32").size


def test_a_float_file_is_not_dynamic(make):
    from edgetl.grid import reader
    from edgetl.grid.audit import audit

    with pytest.raises(ConversionError, match="computes float32 × float32, w8a8_dynamic means float32 × int8"):
        audit(reader.read(make("tflite/fp32").path.read_bytes()), "w8a8_dynamic", "x.tflite")
