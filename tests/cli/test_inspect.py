"""`edgetl inspect`: tables for people, JSON for programs, errors that say what to do."""

import json

import pytest


@pytest.fixture
def network(tmp_path):
    import numpy as np
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    kernel = numpy_helper.from_array(np.zeros((8, 3, 3, 3), np.float32), "k")
    ends = [helper.make_tensor_value_info(n, TensorProto.FLOAT, s) for n, s in (("x", [1, 3, 32, 32]), ("y", [1, 8, 30, 30]))]
    node = helper.make_node("Conv", ["x", "k"], ["y"], name="first")
    graph = helper.make_graph([node], "g", [ends[0]], [ends[1]], [kernel])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)]), tmp_path / "m.onnx")
    return tmp_path / "m.onnx"


def test_totals_types_and_operators(edgetl, network):
    done = edgetl("inspect", network, "--ops", "--json")
    assert (done.returncode, done.stderr) == (0, "")
    found = json.loads(done.stdout)
    assert found["macs"] == 30 * 30 * 8 * 27
    assert (found["format"], found["int8_mac_share"], found["weight_bytes"]) == ("onnx", 0.0, 4 * 8 * 27)
    assert [(t["type"], t["count"], t["quantized"]) for t in found["types"]] == [("Conv", 1, 0)]
    assert [(o["name"], o["inputs"], o["kernel"]) for o in found["operators"]] == [("first", [[1, 3, 32, 32]], [8, 3, 3, 3])]
    assert "operators" not in json.loads(edgetl("inspect", network, "--json").stdout)


def test_the_table(edgetl, network):
    done = edgetl("inspect", network)
    assert done.returncode == 0
    first, header, row = done.stdout.splitlines()
    assert first.startswith("m.onnx: 0.00 MB, 1 operators, 0.2 million multiply-accumulates, 0.0% of them in integers")
    assert header.split()[:2] == ["type", "count"]
    assert row.split()[:2] == ["Conv", "1"]
    assert "first" in edgetl("inspect", network, "--ops").stdout


def test_what_cannot_be_read(edgetl, tmp_path):
    (tmp_path / "x.txt").write_text("x")
    (tmp_path / "x.onnx").write_bytes(b"\xff" * 9)
    for name, message in (
        ("none.onnx", "none.onnx: no such file."),
        ("x.txt", "its name ending in .mlpackage, .onnx, .tflite"),
        ("x.onnx", "x.onnx: is not an ONNX file, or is damaged"),
    ):
        done = edgetl("inspect", tmp_path / name)
        assert done.returncode == 2
        assert message in done.stderr
        assert "Traceback" not in done.stderr
