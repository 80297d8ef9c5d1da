"""The benchmark of int8 files: its table, its statistics, its sessions and, slowly, the whole command on the tiny recipe."""

import inspect
import json
import random
import statistics
import subprocess
import sys

import numpy as np
import pytest

from benchmarks import contents, int8, latency, process, sessions, table
from benchmarks.peers import _base

RUN = {"seed": 0, "wall_s": 9.0, "convert_s": 4.0, "peak_mib": 700.4, "size_bytes": 700_000, "top1": 0.98, "drop": 0.01}


def _way(*runs, **more):
    return {"name": "tflite_ptq", "by": "hand", "title": "by hand", "runs": list(runs), **more}


def _cells(*runs, seeds=1, **more):
    return dict(zip(table.HEADER, table.cells(_way(*runs, **more), seeds), strict=True))


def test_a_row_tells_mean_spread_size_time_and_memory():
    timed = {"p50_ms": 0.1692, "ratio": 1.195, "ratio_low": 1.17, "ratio_high": 1.214}
    cells = _cells({**RUN, "top1": 0.98}, {**RUN, "seed": 1, "top1": 0.96, "drop": 0.03, "wall_s": 11.0}, seeds=2, latency=timed)
    assert cells["top-1"] == "0.9700 ± 0.0141"
    assert cells["drop vs float"] == "+0.0200"
    assert (cells["MB"], cells["p50 ms"], cells["p50 ratio to own float"]) == ("0.70", "0.169", "1.20 (1.17–1.21)")
    assert (cells["conversion s"], cells["peak MiB"], cells["note"]) == ("10.0 (4.0)", "700", "")


def test_a_peer_that_cannot_run_is_a_row_with_its_reason():
    cells = _cells({"seed": 0, "why": "not installed: a|b"})
    assert cells["note"] == "not installed: a\\|b"
    assert {v for k, v in cells.items() if k not in ("way", "note")} == {table.NOTHING}


def test_a_remark_names_its_seeds_only_when_it_does_not_hold_for_all():
    cells = _cells({**RUN, "notes": ["x"]}, {"seed": 1, "notes": ["x"], "why": "OSError: y"}, seeds=2)
    assert cells["note"] == "x; OSError: y (seed 1)"
    assert cells["top-1"] == "0.9800"


def test_the_table_has_every_way_and_explains_those_by_hand():
    own = {**_way(RUN), "name": "tflite/w8a8_qat", "by": "edgetl"}
    text = table.text(
        {"seeds": [0], "n": 357, "recipe": "r", "float_top1": [0.99], "ways": [own, _way({"seed": 0, "why": "gone"})]}
    )
    rows = [line for line in text.splitlines() if line.startswith("|")]
    assert len(rows) == 4
    assert len({row.count("|") for row in rows}) == 1
    assert "**edgetl tflite/w8a8_qat**" in rows[2]
    assert "- `tflite_ptq`: by hand" in text
    assert "0.0028" in text


class _World:
    """A clock that only the timed functions move; the host becomes slower from one call to the next."""

    def __init__(self):
        self.now, self.calls, self.load = 0, [], random.Random(3)

    def program(self, name, ms, drift):
        def invoke():
            self.calls.append(name)
            self.now += int(ms * 1e6 * (1 + drift * len(self.calls)) * self.load.uniform(0.98, 1.02))

        return invoke


def test_every_file_has_its_turn_in_each_round_and_the_order_changes():
    world = _World()
    invokes = {name: world.program(name, 1, 0) for name in "abc"}
    times = latency.take_turns(invokes, rounds=20, invocations=4, seed=1, clock=lambda: world.now)
    assert {len(turns) for turns in times.values()} == {20}
    assert {len(turn) for turns in times.values() for turn in turns} == {4}
    assert all(0.9 < value < 1.1 for turn in times["a"] for value in turn)
    after = world.calls[3 * latency._WARMUP :: 4 + latency._SETTLE]
    orders = {tuple(after[i : i + 3]) for i in range(0, len(after), 3)}
    assert all(sorted(order) == ["a", "b", "c"] for order in orders)
    assert len(orders) > 3


def test_the_ratio_survives_a_host_that_becomes_ten_times_slower():
    world = _World()
    invokes = {"float": world.program("float", 1, 0.01), "int8": world.program("int8", 1.5, 0.01)}
    times = latency.take_turns(invokes, rounds=40, invocations=10, seed=0, clock=lambda: world.now)
    assert times["float"][-1][0] > 8 * times["float"][0][0] / 2
    found = latency.summarise(times, {"int8": "float", "float": "float"}, seed=0)
    assert found["float"]["ratio"] == found["float"]["ratio_low"] == found["float"]["ratio_high"] == 1.0
    row = found["int8"]
    assert row["ratio_low"] <= row["ratio"] <= row["ratio_high"]
    assert 1.4 < row["ratio_low"] <= 1.5 <= row["ratio_high"] < 1.6
    assert row["p50_ms"] == statistics.median(value for turn in times["int8"] for value in turn)


def test_a_file_whose_reference_is_absent_gets_no_ratio():
    found = latency.summarise({"int8": [[1.0], [2.0]]}, {"int8": "float"}, seed=0)
    assert "ratio" not in found["int8"]
    assert found["int8"]["p50_ms"] == 1.5


def test_an_image_is_brought_into_the_form_of_any_input():
    image = np.linspace(-1, 1, 4 * 4 * 3, dtype=np.float32).reshape(4, 4, 3)
    assert np.array_equal(sessions.fitted(image, ["n", 4, 4, 3], np.float32, 0.0, 0)[0], image)
    first = sessions.fitted(image, [1, 3, 4, 4], np.float32, 0.0, 0)
    assert first.shape == (1, 3, 4, 4)
    assert first[0, 2, 1, 0] == image[1, 0, 2]
    integer = sessions.fitted(image * 2, [1, 4, 4, 3], np.int8, 1 / 127, -1)
    assert (integer.min(), integer.max(), integer.dtype) == (-128, 127, np.int8)
    assert np.abs((integer[0, 2].astype(float) + 1) / 127 - image[2] * 2).max() <= 0.5 / 127 + 1e-6
    with pytest.raises(ValueError, match="without a quantization step"):
        sessions.fitted(image, [1, 4, 4, 3], np.uint8, 0.0, 0)


def test_an_onnx_file_with_integer_input_is_fed_by_its_own_step(tmp_path):
    onnx = pytest.importorskip("onnx")
    make = onnx.helper
    constants = [
        onnx.numpy_helper.from_array(np.float32(0.5), "step"),
        onnx.numpy_helper.from_array(np.uint8(10), "zero"),
    ]
    nodes = [
        make.make_node("DequantizeLinear", ["x", "step", "zero"], ["real"]),
        make.make_node("ReduceMean", ["real"], ["y"], axes=[2, 3], keepdims=0),
    ]
    inputs = [make.make_tensor_value_info("x", onnx.TensorProto.UINT8, [1, 3, 2, 2])]
    outputs = [make.make_tensor_value_info("y", onnx.TensorProto.FLOAT, [1, 3])]
    graph = make.make_graph(nodes, "g", inputs, outputs, constants)
    path = tmp_path / "integer.onnx"
    onnx.save(make.make_model(graph, opset_imports=[make.make_opsetid("", 17)], ir_version=8), str(path))
    session = sessions.open_file(path)
    session.set_input(np.tile(np.float32([1.0, 2.5, -3.0]), (2, 2, 1)))
    session.invoke()
    assert session.output().tolist() == [1.0, 2.5, -3.0]
    facts = contents.look(path)
    assert facts["size_bytes"] == path.stat().st_size
    assert facts["float_share"] == 0.8


def test_float_weights_under_an_int8_name_are_told():
    facts = {"layers": {"Conv": 3, "QLinearConv": 1, "Mul": 2}, "float_share": 0.97}
    assert contents.note(facts, ".onnx", floating=False).startswith("float weights under an int8 name; 1 QLinearConv, 1 of 4")
    assert "float weights" not in contents.note(facts, ".onnx", floating=True)
    assert contents.note({"layers": {"int8 CONV_2D": 5}, "float_share": 0.0}, ".tflite", floating=False) == "5 of 5 layers int8"


def test_a_child_process_answers_or_tells_why_not(tmp_path):
    good = process.run("json:loads", {"s": '{"a": 1}'}, tmp_path / "good")
    assert good.answer == {"a": 1}
    assert good.peak_mib > 1
    bad = process.run("json:loads", {"s": "{"}, tmp_path / "bad")
    assert (bad.answer, bad.peak_mib) == (None, None)
    assert bad.why.startswith("json.decoder.JSONDecodeError: Expecting")
    assert process.run("os:_exit", {"status": 5}, tmp_path / "gone").why == "ended with code 5"


@pytest.mark.parametrize("name", _base.names())
def test_each_peer_keeps_the_contract(name):
    module = _base.load(name)
    assert isinstance(module.TITLE, str)
    assert isinstance(module.TRAINED, bool)
    assert module.unavailable() is None or "not installed" in module.unavailable()
    assert list(inspect.signature(module.make).parameters) == ["material", "out", "clock"]
    assert module.make.__doc__


def test_the_command_imports_nothing_heavy():
    heavy = ("tensorflow", "onnx", "onnxruntime", "coremltools")
    code = f"import sys, benchmarks.int8; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], cwd=process._ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_an_unknown_peer_is_refused(capsys):
    with pytest.raises(SystemExit):
        int8.parse(["quickstart", "--peers", "tflite_ptq,olive"])
    assert "no peer named 'olive'" in capsys.readouterr().err


@pytest.mark.slow
def test_the_whole_command_on_a_tiny_network(tiny, tmp_path, monkeypatch, capsys):
    recipe = tiny("tflite/w8a8_qat", "onnx/w8a8_qat")
    monkeypatch.setattr(_base.load("coremltools_w8"), "unavailable", lambda: "not installed: coremltools")
    raw = tmp_path / "raw.json"
    peers = "tflite_ptq,ort_static_per_channel,tf2onnx_qat,tfmot_qat,coremltools_w8"
    arguments = [recipe, "--seeds", "0", "--peers", peers, "--rounds", "20", "--store", tmp_path / "store", "--json", raw]
    assert int8.main([str(a) for a in arguments]) == 0
    text = capsys.readouterr().out
    result = json.loads(raw.read_text())
    ways = {way["name"]: way for way in result["ways"]}
    assert {"tflite_float", "tf2onnx_float", *peers.split(",")} < set(ways)
    assert {"tflite/w8a8_qat", "onnx/w8a8_qat", "tflite/w8a8_ptq", "onnx/w8a8_ptq", "tflite/fp32", "coreml/fp16"} < set(ways)
    assert "not installed: coremltools" in text
    assert "float weights under an int8 name" in next(line for line in text.splitlines() if line.startswith("| `tf2onnx_qat`"))
    for name, way in ways.items():
        (run,) = way["runs"]
        if name.startswith("coreml"):
            assert "top1" not in run
            continue
        assert run["size_bytes"] > 100_000, (name, run)
        assert run["wall_s"] > run["convert_s"] > 0
        assert run["peak_mib"] > 100
        assert len(way["latency"]["turn_p50_ms"]) == 20
        assert way["latency"]["ratio_low"] <= way["latency"]["ratio"] <= way["latency"]["ratio_high"]
        if name not in ("tfmot_qat", "tf2onnx_qat"):  # the stock training may do anything with so few steps
            assert run["top1"] >= 0.9, name
