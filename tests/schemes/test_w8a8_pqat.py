"""Pruned int8: the zeros survive rounding and folding, and the file travels in fewer bytes."""

import numpy as np
import pytest

from edgetl.errors import ConversionError


def test_half_of_the_integers_are_zero_and_the_file_is_int8(make):
    made = make("tflite/w8a8_pqat")
    assert made.converted.int8_mac_share == 1.0
    assert len(made.kernels) == 3
    for kernel in made.kernels.values():
        assert kernel.dtype == np.int8
        assert np.mean(kernel == 0) >= 0.5


def test_it_travels_in_fewer_bytes(make):
    dense, sparse = make("tflite/w8a8_qat"), make("tflite/w8a8_pqat")
    assert sparse.delivered < 0.85 * dense.delivered
    assert abs(sparse.size - dense.size) < 1000


def test_the_files_answer_like_the_network(make, answers):
    made = make("tflite/w8a8_pqat")
    assert np.abs(answers(made) - made.probabilities).max() < 0.05
    assert np.abs(answers(make("onnx/w8a8_pqat")) - answers(made)).max() < 0.02


def test_a_dense_int8_file_under_its_name_is_refused(make):
    from edgetl.grid import reader
    from edgetl.grid.audit import audit

    with pytest.raises(ConversionError, match=r"is not what w8a8_pqat says: .* zeros, not 50%"):
        audit(reader.read(make("tflite/w8a8_qat").path.read_bytes()), "w8a8_pqat", "x")
