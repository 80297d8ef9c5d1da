"""Pruned and clustered int8: zeros and few values at once; the smallest of all to deliver."""

import numpy as np
import pytest

from edgetl.errors import ConversionError


def test_half_zeros_and_few_integers(make):
    made = make("tflite/w8a8_pcqat")
    assert made.converted.int8_mac_share == 1.0
    assert len(made.kernels) == 3
    for kernel in made.kernels.values():
        assert np.mean(kernel == 0) >= 0.5
        assert max(len(np.unique(channel)) for channel in kernel) <= 16


def test_it_travels_in_the_fewest_bytes(make):
    assert make("tflite/w8a8_pcqat").delivered < min(make(f"tflite/w8a8_{name}").delivered for name in ("qat", "pqat", "cqat"))


def test_the_files_answer_like_the_network(make, answers):
    made = make("tflite/w8a8_pcqat")
    assert np.abs(answers(made) - made.probabilities).max() < 0.05
    assert np.abs(answers(make("onnx/w8a8_pcqat")) - answers(made)).max() < 0.02


@pytest.mark.parametrize("other", ["w8a8_pqat", "w8a8_cqat"])
def test_half_of_the_promise_is_not_enough(make, other):
    from edgetl.grid import reader
    from edgetl.grid.audit import audit

    with pytest.raises(ConversionError, match="is not what w8a8_pcqat says"):
        audit(reader.read(make(f"tflite/{other}").path.read_bytes()), "w8a8_pcqat", "x")
