"""`edgetl bench`: files or a recipe, a table for people, everything for programs, errors that name all faults at once."""

import json
import signal
import subprocess
import sys
import time

import pytest

pytestmark = pytest.mark.alone


@pytest.fixture(scope="module")
def network(tmp_path_factory):
    """One 3x3 convolution over 32 x 32 pixels."""
    import numpy as np
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    kernel = numpy_helper.from_array(np.ones((8, 3, 3, 3), np.float32), "k")
    ends = [helper.make_tensor_value_info(n, TensorProto.FLOAT, s) for n, s in (("x", [1, 3, 32, 32]), ("y", [1, 8, 30, 30]))]
    graph = helper.make_graph([helper.make_node("Conv", ["x", "k"], ["y"])], "g", [ends[0]], [ends[1]], [kernel])
    path = tmp_path_factory.mktemp("network") / "m.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)
    return path


def test_everything_about_a_file(edgetl, network, photos):
    photo = next(photos.rglob("*.png"))
    quick = ("--runs", 2, "--seconds", 0.1)
    done = edgetl("bench", network, *quick, "--image", photo, "--profile", "--sustained", 1, "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert (found["schema"], found["evidence"], found["comparisons"]) == (1, "host", [])
    (row,) = found["files"]
    assert (row["file"], row["threads"], row["runtime"]) == (str(network), 1, "onnxruntime")
    assert (row["size_bytes"], len(row["sha256"])) == (network.stat().st_size, 64)
    assert 0 < row["delivered_bytes"] < row["size_bytes"]
    assert row["p50_ms"]["low"] <= row["p50_ms"]["value"] <= row["p50_ms"]["high"]
    assert len(row["processes"]) == 2
    assert all(len(process["values_ms"]) >= 8 and process["warmup_ms"] for process in row["processes"])
    assert row["photo"]["before_ms"]["p50"] > row["photo"]["normalise_ms"]["p50"] > 0
    assert row["sustained"]["p99_ms"] >= row["sustained"]["p50_ms"] > 0
    assert [operator["kind"] for operator in row["profile"]["operators"]].count("convolution") == 1


@pytest.mark.slow
def test_a_file_against_itself(edgetl, network):
    done = edgetl("bench", network, network, "--compare", "--runs", 1, "--seconds", 0.1)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert "times of this host" in lines[0]
    assert lines[1].startswith("m.onnx ×1: p50 ")
    assert "is not resolvable on this host: " in done.stdout
    assert "noise floor" in done.stdout
    assert "taking turns" in done.stderr


def test_a_file_that_does_not_load_leaves_the_others(edgetl, network, tmp_path):
    (tmp_path / "bad.tflite").write_bytes(b"not a model")
    done = edgetl("bench", tmp_path / "bad.tflite", network, "--runs", 1, "--seconds", 0.1, "--json")
    assert done.returncode == 4
    bad, good = json.loads(done.stdout)["files"]
    assert "bad.tflite" in bad["error"]
    assert good["p50_ms"]["value"] > 0


def test_what_cannot_be_measured_of_a_file_is_told_beside_the_rest(edgetl, tmp_path, photos):
    import onnx
    from onnx import TensorProto, helper

    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 4]) for name in ("x", "y")]
    graph = helper.make_graph([helper.make_node("Abs", ["x"], ["y"])], "g", ends[:1], ends[1:])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), tmp_path / "abs.onnx")
    quick = ("--runs", 1, "--seconds", 0.1, "--image", next(photos.rglob("*.png")))
    done = edgetl("bench", tmp_path / "abs.onnx", *quick)
    assert done.returncode == 4
    assert "abs.onnx ×1: p50 " in done.stdout
    assert "failed: abs.onnx ×1: photo: --image: the network takes [1, 4], not one square picture" in done.stdout


def test_all_faults_at_once(edgetl, network, tmp_path):
    (tmp_path / "m.mlpackage").mkdir()
    (tmp_path / "x.jpg").write_bytes(b"no photo")
    wrong = ("--threads", "1,one", "--runs", 0, "--seconds", "nan", "--image", tmp_path / "x.jpg", "--set", "a=1")
    done = edgetl("bench", "none.tflite", tmp_path / "m.mlpackage", "recipe.yaml", *wrong)
    assert done.returncode == 2
    for part in (
        "none.tflite: no such file.",
        "m.mlpackage: is not timed on this computer; it times files that end in .onnx and .tflite.",
        "recipe.yaml: is no file that ends in",
        "--threads: 1,one: must be different numbers",
        "--runs: 0: must be 1 to 100.",
        "--seconds: nan: must be 0.1 to 3600.",
        "x.jpg: not an image of a known kind",
        "--set: is for a recipe.",
    ):
        assert part in done.stderr, part
    done = edgetl("bench", "quickstart", "--compare")
    assert (done.returncode, "--compare: is for files" in done.stderr) == (2, True)
    done = edgetl("bench", network, "--threads", "256")
    assert (done.returncode, "256 threads need 256 cores" in done.stderr) == (2, True)


def test_ctrl_c_leaves_no_process_behind(network, tmp_path):
    import psutil

    command = [sys.executable, "-m", "edgetl", "bench", str(network), "--runs", "100", "--seconds", "3600"]
    child = subprocess.Popen(
        command,
        cwd=tmp_path,
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # a shell's background jobs ignore it
    )
    assert "process 1 of 100" in child.stderr.readline()
    runners, end = [], time.monotonic() + 20
    while not runners and time.monotonic() < end:
        time.sleep(0.05)
        runners = psutil.Process(child.pid).children(recursive=True)
    assert runners
    child.send_signal(signal.SIGINT)
    child.communicate(timeout=30)
    assert child.returncode == 130
    _, alive = psutil.wait_procs(runners, timeout=10)
    assert not alive
