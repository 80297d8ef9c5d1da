"""JUnit of a run counts what decides its exit code, and nothing else."""

from xml.etree import ElementTree

from edgetl.report import junit
from edgetl.types import Verdict, to_json


def _verdict(form, device, gate, outcome):
    return Verdict(
        format=form, scheme="fp32", device=device, gate=gate, outcome=outcome, value=1.0, interval=None, limit=1.0,
        evidence="measured", reason=f"{form} {gate}.",
    )  # fmt: skip


def _told(*judged, failed=(), allow_unsure=True):
    report = {
        "recipe": {"name": "fruit"},
        "verdicts": to_json(judged),
        "artifacts": [{"format": f, "scheme": "fp32", "status": "failed", "reason": "it crashed \x00."} for f in failed],
    }
    suites = ElementTree.fromstring(junit.of_run(report, allow_unsure=allow_unsure))
    told = {}
    for suite in suites:
        kinds = [next((c.tag for c in case if c.tag != "system-out"), "pass") for case in suite]
        assert int(suite.get("failures")) == kinds.count("failure") and int(suite.get("errors")) == kinds.count("error")
        assert int(suite.get("skipped")) == kinds.count("skipped") and int(suite.get("tests")) == len(kinds)
        told |= {f"{suite.get('name')}: {case.get('name')}": kind for case, kind in zip(suite, kinds, strict=True)}
    return told


def test_a_device_that_another_file_serves_fails_nothing():
    large, slow = _verdict("tflite", "phone", "size_mb", "fail"), _verdict("onnx", "phone", "latency_p90_ms", "unsure")
    told = _told(large, slow, _verdict("coreml", "phone", "size_mb", "skipped"))
    assert set(told.values()) == {"skipped"}


def test_a_device_over_whose_budget_every_file_lies_fails():
    """The second file passes one figure and fails the other."""
    told = _told(
        _verdict("tflite", "phone", "size_mb", "fail"),
        _verdict("onnx", "phone", "size_mb", "pass"),
        _verdict("onnx", "phone", "latency_p90_ms", "fail"),
    )
    assert told == {
        "phone: tflite/fp32 size_mb": "failure", "phone: onnx/fp32 size_mb": "pass", "phone: onnx/fp32 latency_p90_ms": "failure"
    }  # fmt: skip


def test_gates_count_as_the_recipe_says_and_broken_files_always():
    gate = _verdict("tflite", None, "min_top1", "unsure")
    assert _told(gate) == {"gates: tflite/fp32 min_top1": "skipped"}
    assert _told(gate, allow_unsure=False) == {"gates: tflite/fp32 min_top1": "error"}
    assert _told(_verdict("tflite", None, "min_top1", "fail")) == {"gates: tflite/fp32 min_top1": "failure"}
    assert _told(failed=["onnx"]) == {"files: onnx/fp32": "error"}
