"""int8 weights, int16 activations: closer to the float network than 8-bit activations."""

import numpy as np


def test_activations_have_sixteen_bits(make, answers):
    from edgetl.grid import reader
    from edgetl.grid.graph import WEIGHTED

    made = make("tflite/w8a16")
    graph = reader.read(made.path.read_bytes())
    types = {tuple(graph.tensors[i].dtype for i in o.inputs[:2]) for o in graph.operators if o.kind in WEIGHTED}
    assert types == {("int16", "int8")}
    coarse = make("tflite/w8a8_ptq")
    errors = [np.abs(answers(m) - make("tflite/fp32").probabilities).max() for m in (made, coarse)]
    assert errors[0] < errors[1]
