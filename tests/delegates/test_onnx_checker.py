"""ONNX coverage is, number for number, what onnxruntime's own usability checker says of the file."""

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from edgetl import registry
from edgetl.delegates import _base

LIGHT = Path(__file__).parents[3] / "shared" / "material" / "models" / "onnx" / "light"
PROVIDERS = {"nnapi": "NNAPI", "coreml_execution_provider": "CoreML MLProgram"}


def _ours(path, delegate):
    facts = registry.load("graphs", "onnx").read(path)
    found = _base.coverage(delegate, registry.load("delegates", delegate), path, facts)
    return found, (found.partitions, found.operators - len(found.leaving), found.operators)


@pytest.mark.parametrize("name", ["light_densenet121", "light_shufflenet", "light_squeezenet"])
def test_public_networks(checkers_words, name):
    path = LIGHT / f"{name}.onnx"
    if not path.is_file():
        pytest.skip("needs the material beside the repository (shared/material).")
    theirs = checkers_words(path)
    assert {delegate: _ours(path, delegate)[1] for delegate in PROVIDERS} == {d: theirs[p] for d, p in PROVIDERS.items()}
    if name == "light_densenet121":
        assert theirs["CoreML MLProgram"] == (63, 429, 491)
        found, _ = _ours(path, "coreml_execution_provider")
        assert _base.types(found.leaving) == {"BatchNormalization": 62}


@pytest.fixture
def padded(tmp_path):
    """A padding that basic optimisation takes into the convolution behind it, a Floor that only NNAPI takes."""

    def write(batch=1, quantized=False):
        constants = [numpy_helper.from_array(np.ones((4, 4, 3, 3), np.float32), "k")]
        constants += [numpy_helper.from_array(np.array([0, 0, 1, 1, 0, 0, 1, 1], np.int64), "p")]
        nodes = [
            helper.make_node("Pad", ["x", "p"], ["a"], name="pad"),
            helper.make_node("Conv", ["a", "k"], ["b"], name="first"),
        ]
        nodes += [
            helper.make_node("Floor", ["b"], ["c"], name="floor"),
            helper.make_node("Conv", ["c", "k"], ["y"], name="second"),
        ]
        if quantized:
            constants += [numpy_helper.from_array(np.float32(0.1), "s"), numpy_helper.from_array(np.uint8(0), "z")]
            nodes[3].input[0] = "d"
            nodes[3:3] = [
                helper.make_node("QuantizeLinear", ["c", "s", "z"], ["q"], name="q"),
                helper.make_node("DequantizeLinear", ["q", "s", "z"], ["d"], name="dq"),
            ]
        ends = [helper.make_tensor_value_info(n, TensorProto.FLOAT, [batch, 4, s, s]) for n, s in (("x", 8), ("y", 6))]
        graph = helper.make_graph(nodes, "g", [ends[0]], [ends[1]], constants)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
        onnx.save(model, tmp_path / "m.onnx")
        return tmp_path / "m.onnx"

    return write


@pytest.mark.parametrize("quantized", [False, True])
@pytest.mark.parametrize("batch", [1, "n"])
def test_what_basic_optimisation_leaves_is_counted(padded, checkers_words, batch, quantized):
    path = padded(batch, quantized)
    theirs = checkers_words(path)
    for delegate, provider in PROVIDERS.items():
        found, ours = _ours(path, delegate)
        assert ours == theirs[provider]
        assert not any(one.type == "Pad" for one in found.leaving)
        if batch == "n":
            assert ours[1] == 0
            assert any("the input x has a free dimension." in one.rule for one in found.leaving)
        elif not quantized:
            assert ours == ((1, 3, 3) if delegate == "nnapi" else (2, 2, 3))
            assert found.mac_share == 1.0


def test_a_file_that_onnxruntime_does_not_load_is_refused(onnx_network):
    from edgetl.errors import InputError

    with pytest.raises(InputError, match=r"m\.onnx: onnxruntime refuses the file"):
        _ours(onnx_network("Relu", domain="com.example"), "nnapi")
