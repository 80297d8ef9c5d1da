"""Clustered int8: at most sixteen integers a channel after rounding and folding, and the file travels in fewer bytes."""

import numpy as np
import pytest

from edgetl.errors import ConversionError


def test_no_channel_has_more_than_sixteen_integers(make):
    made = make("tflite/w8a8_cqat")
    assert made.converted.int8_mac_share == 1.0
    assert len(made.kernels) == 3
    for kernel in made.kernels.values():
        assert kernel.dtype == np.int8
        assert max(len(np.unique(channel)) for channel in kernel) <= 16


def test_it_travels_in_fewer_bytes(make):
    assert make("tflite/w8a8_cqat").delivered < 0.85 * make("tflite/w8a8_qat").delivered


def test_the_files_answer_like_the_network(make, answers):
    made = make("tflite/w8a8_cqat")
    assert np.abs(answers(made) - made.probabilities).max() < 0.05
    assert np.abs(answers(make("onnx/w8a8_cqat")) - answers(made)).max() < 0.02


def test_an_int8_file_of_free_values_under_its_name_is_refused(make):
    from edgetl.grid import reader
    from edgetl.grid.audit import audit

    with pytest.raises(ConversionError, match=r"is not what w8a8_cqat says: .* values in a channel, not 16"):
        audit(reader.read(make("tflite/w8a8_qat").path.read_bytes()), "w8a8_cqat", "x")
