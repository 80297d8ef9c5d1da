import os
import sys
from pathlib import Path

import numpy as np
import pytest

from edgetl.connections import local
from edgetl.connections._served import ServedSession
from edgetl.errors import BenchmarkError, DeviceUnreachable


@pytest.fixture(scope="module")
def network(tmp_path_factory):
    """y = |x| over (1, 4) in ONNX."""
    import onnx
    from onnx import TensorProto, helper

    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 4]) for name in ("x", "y")]
    graph = helper.make_graph([helper.make_node("Abs", ["x"], ["y"])], "g", ends[:1], ends[1:])
    path = tmp_path_factory.mktemp("network") / "abs.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)
    return path


def test_times_and_outputs_come_from_a_process_of_its_own(network):
    session = local.open(local.Settings()).start(network, "onnxruntime", 1)
    try:
        assert session.facts["pid"] != os.getpid()
        assert session.facts["engine"].startswith("onnxruntime ")
        values = session.time(50, 5.0)
        assert len(values) == 50 and min(values) > 0
        assert len(session.time(10**9, 0.05)) < 10**9
        images = (np.array([[1, -2, 3, -4]], np.float32), np.array([[-9, 0, 0, 1]], np.float32))
        ((first,), (second,)) = session.outputs(images)
        assert first.tolist() == [[1, 2, 3, 4]] and second.tolist() == [[9, 0, 0, 1]]
        assert 0 <= session.peak_memory_mib() < 1000
    finally:
        session.close()
    session.close()


def test_the_cores_asked_for_are_the_cores_used(network):
    core = min(os.sched_getaffinity(0))
    session = local.open(local.Settings(cpus=(core,))).start(network, "onnxruntime", 1)
    assert session.facts["cores"] == 1
    session.close()


def test_a_file_that_is_no_model_is_told_by_name(tmp_path):
    path = tmp_path / "no.tflite"
    path.write_bytes(b"not a model")
    with pytest.raises(BenchmarkError, match="no.tflite: .*"):
        local.open(local.Settings()).start(path, "litert", 1)


@pytest.mark.parametrize(
    ("code", "told"),
    [
        ("print('hello')", "a line of JSON"),
        ("print('[1]')", "an object"),
        ("import sys; sys.stderr.write('cannot open display'); sys.exit(3)", "ended with 3(.|\n)*cannot open display"),
        ("import time; time.sleep(60)", "no answer for 1 s"),
        ('print(\'{"load_ms": NaN, "first_inference_ms": 1}\')', "a number 'load_ms'"),
        ('print(\'{"load_ms": 1, "first_inference_ms": 1, "engine": 1}\')', "a text 'engine'"),
        ('print(\'{"load_ms": 1, "first_inference_ms": 1, "engine": "\\\\u001b[31m"}\')', "a text 'engine'"),
        ('print(\'{"load_ms": 1\' + "0" * 400 + \', "first_inference_ms": 1}\')', "a number 'load_ms'"),
        ('print(\'{"x": "\' + "y" * 200000 + \'"}\')', "at most 131072 bytes of facts"),
        ("print('[' * 100000)", "a line of JSON"),
        ("import sys\nwhile True: sys.stderr.write('e' * 65536)", "no answer for 1 s"),
    ],
)
def test_what_comes_back_is_not_trusted(code, told):
    with pytest.raises(DeviceUnreachable, match=told):
        ServedSession([sys.executable, "-c", code], {}, name="board", load_s=1.0 if told.startswith("no answer") else 30.0)


def test_an_endless_line_is_cut(monkeypatch):
    monkeypatch.setattr("edgetl.connections._served.MAX_LINE_BYTES", 2**20)
    code = "import sys\nwhile True: sys.stdout.write('x' * 65536)"
    with pytest.raises(DeviceUnreachable, match="at most 1048576 bytes a line"):
        ServedSession([sys.executable, "-c", code], {}, name="board")


def test_counters_grow_with_what_the_process_does(network):
    session = local.open(local.Settings()).start(network, "onnxruntime", 1)
    before = session.counters()
    session.time(10**9, 0.3)
    after = session.counters()
    session.close()
    assert 0.1 < after["cpu_s"] - before["cpu_s"] < 5.0
    assert after["involuntary"] >= before["involuntary"]


def test_operators_are_profiled_where_that_was_asked_for(network):
    session = local.open(local.Settings()).start(network, "onnxruntime", 1, profiled=True)
    (operator,) = session.profile(5)
    session.close()
    assert operator["type"] == "Abs"
    assert len(operator["us"]) == 5
    plain = local.open(local.Settings()).start(network, "onnxruntime", 1)
    with pytest.raises(BenchmarkError, match="profile"):
        plain.profile(5)
    plain.close()


@pytest.mark.parametrize("name", ["_runner.py", "_profiler.py", "_core_ml.py", "_depot.py"])
def test_what_is_copied_there_is_one_file_for_old_pythons(name):
    import ast

    source = (Path(local.__file__).parent / name).read_text(encoding="utf-8")
    ast.parse(source, feature_version=(3, 9))
    assert "edgetl" not in "".join(line for line in source.splitlines() if line.lstrip().startswith(("import", "from")))
