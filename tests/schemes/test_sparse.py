"""Magnitude pruning: half of each large kernel is zero in every float format, and the file answers like the network."""

import numpy as np
import pytest

from edgetl.errors import ConversionError


@pytest.mark.parametrize("form", ["tflite", "onnx", "coreml"])
def test_half_of_the_weights_are_zero_in_the_file(make, form):
    made = make(f"{form}/sparse")
    assert "50.0% zeros in 3 kernels" in made.notes


@pytest.mark.parametrize("form", ["tflite", "onnx"])
def test_the_file_answers_like_the_network(make, answers, form):
    made = make(f"{form}/sparse")
    assert np.abs(answers(made) - made.probabilities).max() < 1e-5


def test_the_kernels_that_are_left_alone_have_no_zeros(make):
    from edgetl.grid import reader
    from edgetl.grid.graph import WEIGHTED

    made = make("tflite/sparse")
    graph = reader.read(made.path.read_bytes())
    others = [o for i, o in enumerate(graph.operators) if o.kind in WEIGHTED and graph.stem(i) not in made.kernels]
    assert [o.kind for o in others] == ["CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED"]
    assert all((graph.tensors[o.inputs[1]].data != 0).all() for o in others)


def test_a_dense_file_under_its_name_is_refused(make):
    from edgetl.grid import reader, reading_mil, reading_onnx, sparsity
    from edgetl.grid.audit import audit

    dense = make("tflite/cluster")
    with pytest.raises(ConversionError, match=r"x: is not what sparse says: conv_2d_2 has 0\.0% zeros, not 50%"):
        audit(reader.read(dense.path.read_bytes()), "sparse", "x")
    for form, read in (
        ("onnx", lambda p: reading_onnx.kernels(p.read_bytes())),
        ("coreml", lambda p: reading_mil.kernels(reading_mil.program(p))),
    ):
        kernels = read(make(f"{form}/cluster").path)
        assert [k.size for k in kernels.values()] == [k.size for k in dense.kernels.values()]
        with pytest.raises(ConversionError, match=r"x: is not what sparse says: .* has 0\.0% zeros, not 50%"):
            sparsity.insist("sparse", lambda kernels=kernels: kernels, "x")
