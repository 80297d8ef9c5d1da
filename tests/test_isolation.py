"""The child process: its errors come back as they were, its death is told, what it prints never mixes with events."""

import sys

import pytest

from edgetl import errors, isolation
from edgetl.recipefile import load_recipe
from edgetl.stages._base import Job

STAGE = """
import os, signal
from edgetl.errors import ConversionError
def run(job, emit):
    print("noise of a library", flush=True)
    emit({"what": "half way", "done": 1, "of": 2})
    if job.target == "refuse":
        raise ConversionError("x.tflite: is not what it says.")
    if job.target == "bug":
        return {}["absent"]
    if job.target == "die":
        os.kill(os.getpid(), signal.SIGKILL)
    return {"answer": 42}
"""


CALLED = """
import os, signal, time
from edgetl.errors import VerificationError
def run(arguments, emit):
    emit({"done": 1, "of": 2})
    if arguments["how"] == "refuse":
        raise VerificationError("x.onnx: no.")
    if arguments["how"] == "hang":
        time.sleep(300)
    if arguments["how"] == "die":
        print("last words", flush=True)
        os.kill(os.getpid(), signal.SIGSEGV)
    return {"twice": 2 * arguments["number"]}
"""


@pytest.fixture
def call(tmp_path, monkeypatch):
    import edgetl

    package = tmp_path / "edgetl_copy"
    package.mkdir()
    (package / "probe.py").write_text(STAGE)
    (package / "called.py").write_text(CALLED)
    shim = tmp_path / "sitecustomize.py"
    shim.write_text(f"import edgetl.stages\nedgetl.stages.__path__.append({str(package)!r})\n")
    root = str(next(iter(edgetl.__path__)))
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}:{root.rpartition('/')[0]}")
    recipe = load_recipe("quickstart", ("backbone.weights=none",)).recipe
    seen = []

    def run(target):
        job = Job(stage="probe", target=target, recipe=recipe, inputs={}, out=str(tmp_path), extra={})
        return isolation.run_job(job, tmp_path / "log.txt", seen.append), seen

    return run


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
def test_an_answer_and_its_events_come_through(call):
    answer, seen = call("fine")
    assert answer == {"answer": 42}
    assert seen == [{"what": "half way", "done": 1, "of": 2}]


def test_an_error_comes_back_as_itself(call):
    with pytest.raises(errors.ConversionError, match=r"^x\.tflite: is not what it says\.$"):
        call("refuse")


def test_a_bug_in_a_stage_becomes_a_stage_error_with_its_log(call, tmp_path):
    with pytest.raises(errors.StageError, match="KeyError: 'absent'"):
        call("bug")
    text = (tmp_path / "log.txt").read_text()
    assert "Traceback" in text
    assert "noise of a library" in text


def test_a_killed_child_is_told(call):
    with pytest.raises(errors.StageError, match="killed by signal 9.*out of memory"):
        call("die")


def test_a_function_is_called_in_a_process_of_its_own(call, tmp_path):
    def ask(how, limit_s=None):
        seen, log = [], tmp_path / "c.log"
        arguments = {"how": how, "number": 21}
        return isolation.call("edgetl.stages.called", arguments, "x.onnx in a runtime", log, seen.append, limit_s), seen

    assert ask("fine") == ({"twice": 42}, [{"done": 1, "of": 2}])
    assert not (tmp_path / "c.log").exists()
    with pytest.raises(errors.VerificationError, match=r"^x\.onnx: no\.$"):
        ask("refuse")
    with pytest.raises(errors.StageError, match=r"(?s)^x\.onnx in a runtime: its process was killed by signal 11.*last words"):
        ask("die")
    with pytest.raises(errors.StageError, match=r"^x\.onnx in a runtime: took longer than 0\.5 s and was ended"):
        ask("hang", 0.5)
    assert ask("fine", 60.0)[0] == {"twice": 42}
