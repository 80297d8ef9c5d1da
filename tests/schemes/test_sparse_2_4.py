"""2:4 sparsity: every four weights along the input channels have two zeros in the file, save where four do not divide them."""

import numpy as np
import pytest

from edgetl.errors import ConversionError


@pytest.mark.parametrize("form", ["tflite", "onnx", "coreml"])
def test_every_group_of_four_has_two_zeros(make, form):
    made = make(f"{form}/sparse_2_4")
    assert made.left == ("odd",), "126 input channels"
    (note,) = [n for n in made.notes if "of four" in n]
    assert note.startswith("2 of four zero in 2 kernels, not in ")


def test_the_groups_run_along_the_input_channels(make):
    wide = make("tflite/sparse_2_4").kernels["conv_2d_2"]
    assert wide.shape == (126, 1, 1, 32)
    assert ((wide.reshape(-1, 4) != 0).sum(axis=1) == 2).all()
    assert not ((wide.reshape(126, 32).T.reshape(-1, 4) != 0).sum(axis=1) == 2).all()


@pytest.mark.parametrize("form", ["tflite", "onnx"])
def test_the_file_answers_like_the_network(make, answers, form):
    made = make(f"{form}/sparse_2_4")
    assert np.abs(answers(made) - made.probabilities).max() < 1e-5


def test_half_zeros_in_another_order_are_refused(make):
    from edgetl.grid import reader
    from edgetl.grid.audit import audit

    with pytest.raises(ConversionError, match="groups of four with fewer than 2 zeros"):
        audit(reader.read(make("tflite/sparse").path.read_bytes()), "sparse_2_4", "x")
