"""Weight clustering: sixteen values in each channel of the large kernels, in every float format."""

import numpy as np
import pytest

from edgetl.errors import ConversionError


@pytest.mark.parametrize("form", ["tflite", "onnx", "coreml"])
def test_no_channel_has_more_than_sixteen_values(make, form):
    made = make(f"{form}/cluster")
    assert "at most 16 values in a channel of 3 kernels" in made.notes


@pytest.mark.parametrize("form", ["tflite", "onnx"])
def test_the_file_answers_like_the_network(make, answers, form):
    made = make(f"{form}/cluster")
    assert np.abs(answers(made) - made.probabilities).max() < 1e-5


def test_more_values_are_refused(make):
    from edgetl.grid import reader
    from edgetl.grid.audit import audit

    with pytest.raises(ConversionError, match=r"has \d+ values in a channel, not 16"):
        audit(reader.read(make("tflite/sparse").path.read_bytes()), "cluster", "x")


def test_distinct_values_are_counted_channel_by_channel():
    from edgetl.grid.sparsity import distinct

    assert distinct(np.array([[1, 1, 2], [3, 4, 5], [0.0, -0.0, 0.0]])) == 3
