"""`edgetl verdict`: evidence decides, an interval that straddles its budget is unsure, one log settles it."""

import hashlib
import json
import shutil
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
import yaml

from edgetl import places
from edgetl.cli import verdict

LOG = """STARTING!
Log parameter values verbosely: [0]
Num threads: [4]
Graph: [{graph}]
#threads used for CPU inference: [4]
Loaded model {graph}
INFO: Created TensorFlow Lite XNNPACK delegate for CPU.
The input model file size (MB): {size:.6g}
Initialized session in 12.3ms.
Running benchmark for at least 1 iterations and at least 0.5 seconds but terminate if exceeding 150 seconds.
count=15 first={us} curr={us} min={low} max={high} avg={us} std=30

Running benchmark for at least 50 iterations and at least 1 seconds but terminate if exceeding 150 seconds.
count=50 first={us} curr={us} min={low} max={high} avg={us} std=30

Inference timings in us: Init: 12300, First inference: {us}, Warmup (avg): {us}, Inference (avg): {us}
"""


def test_nothing_judged_is_said(capsys):
    verdict._show(())
    assert "nothing was judged: no gate is set, and no device is named" in " ".join(capsys.readouterr().out.split())


@pytest.fixture(scope="module")
def made(tmp_path_factory, tflite_converter):
    """A run of one float TFLite file, judged on a Raspberry Pi 4 whose budget its estimate straddles."""
    import tf_keras

    folder = tmp_path_factory.mktemp("verdict")
    image = tf_keras.Input((96, 96, 3), batch_size=1)
    model = tf_keras.applications.MobileNetV2(input_tensor=image, alpha=0.35, weights=None, classes=10)
    data = tflite_converter(model).convert()
    run = folder / "runs" / "fruit"
    (run / "artifacts").mkdir(parents=True)
    (run / "artifacts" / "fruit_fp32.tflite").write_bytes(data)
    profile = yaml.safe_load((places.shipped("devices") / "raspberry-pi-4.yaml").read_text())
    profile.pop("calibrations", None)
    report = {
        "schema": 1,
        "recipe": {"name": "fruit", "file": "fruit.yaml"},
        "devices": ["raspberry-pi-4"],
        "checkpoint": {"n": 100, "top1": 0.9},
        "verdicts": [],
        "artifacts": [
            {"format": "tflite", "scheme": "fp32", "path": "artifacts/fruit_fp32.tflite", "size_bytes": len(data), "top1": 0.9,
             "sha256": hashlib.sha256(data).hexdigest()}
        ],
    }  # fmt: skip
    (run / "report.json").write_text(json.dumps(report))
    return folder, data


@pytest.fixture
def run(made, tmp_path):
    shutil.copytree(made[0] / "runs", tmp_path / "runs")
    return tmp_path / "runs" / "fruit"


def _judge(edgetl, *more):
    done = edgetl("verdict", "runs/fruit", "--json", *more)
    assert done.returncode in (0, 1), done.stderr
    found = {v["gate"]: v for v in json.loads(done.stdout)["verdicts"]}
    return done.returncode, found["latency_p90_ms"]


def _budget(run: Path, limit: float) -> None:
    """A board of the user's: the shipped profile with another budget, and the same name."""
    text = (places.shipped("devices") / "raspberry-pi-4.yaml").read_text()
    text = text.replace("latency_p90_ms: 100", f"latency_p90_ms: {limit}")
    (run.parents[1] / "raspberry-pi-4.yaml").write_text(text)
    report = json.loads((run / "report.json").read_text())
    report["devices"] = ["raspberry-pi-4.yaml"]
    (run / "report.json").write_text(json.dumps(report))


def _log(run, made, ms):
    graph, us = "/data/local/tmp/fruit_fp32.tflite", ms * 1000
    text = LOG.format(graph=graph, size=len(made[1]) / 1e6, us=int(us), low=int(us * 0.98), high=int(us * 1.02))
    path = run.parents[1] / "phone.log"
    path.write_text(text)
    return path


def test_an_estimate_within_its_budget_passes_and_far_above_fails(edgetl, run):
    code, found = _judge(edgetl)
    assert code == 0 and found["outcome"] == "pass" and found["evidence"] == "estimated"
    assert 0 < found["interval"][0] < found["value"] < found["interval"][1] <= 100
    _budget(run, found["interval"][0] / 2)
    code, found = _judge(edgetl)
    assert code == 1 and found["outcome"] == "fail"


def test_a_straddled_budget_is_unsure_and_one_log_settles_it(edgetl, made, run, tmp_path):
    _, found = _judge(edgetl)
    limit = round(found["value"], 3)
    _budget(run, limit)
    code, found = _judge(edgetl)
    assert code == 1 and found["outcome"] == "unsure"
    assert "edgetl bench runs/fruit/artifacts/fruit_fp32.tflite --device raspberry-pi-4" in found["reason"]
    assert edgetl("verdict", "runs/fruit", "--allow-unsure").returncode == 0
    artifact = run / "artifacts" / "fruit_fp32.tflite"
    for ms, outcome, code in ((limit / 2, "pass", 0), (limit * 2, "fail", 1)):
        shutil.rmtree(tmp_path / "evidence", ignore_errors=True)
        log = _log(run, made, ms)
        added = edgetl("evidence", "add", log, "--device", "raspberry-pi-4", "--artifact", artifact)
        assert added.returncode == 0, added.stderr
        got, found = _judge(edgetl, "--junit", tmp_path / "out.xml")
        assert (got, found["outcome"], found["evidence"]) == (code, outcome, "imported")
    assert ET.parse(tmp_path / "out.xml").find(".//failure") is not None


def test_a_log_of_another_model_leaves_the_ledger_untouched(edgetl, made, run, tmp_path):
    log = _log(run, made, 5.0)
    log.write_text(log.read_text().replace("file size (MB): ", "file size (MB): 9"))
    artifact = run / "artifacts" / "fruit_fp32.tflite"
    done = edgetl("evidence", "add", log, "--device", "raspberry-pi-4", "--artifact", artifact)
    assert done.returncode == 2 and "another model" in done.stderr
    assert not (tmp_path / "evidence" / "ledger.jsonl").exists()


def test_files_that_are_no_longer_those_of_the_report_are_refused(edgetl, run):
    path = run / "artifacts" / "fruit_fp32.tflite"
    path.write_bytes(path.read_bytes() + b"\0")
    done = edgetl("verdict", "runs/fruit")
    assert done.returncode == 2 and "sha256 differs" in done.stderr


@pytest.mark.parametrize("text", ["", "[]", "{", '{"schema": 1}', '{"schema": 9}'])
def test_a_folder_without_a_report_is_refused(edgetl, run, text):
    (run / "report.json").write_text(text)
    done = edgetl("verdict", "runs/fruit")
    assert done.returncode == 2 and "no report" in done.stderr


def test_an_artifact_outside_of_the_folder_is_refused(edgetl, run):
    report = json.loads((run / "report.json").read_text())
    report["artifacts"][0]["path"] = "../../../etc/passwd"
    (run / "report.json").write_text(json.dumps(report))
    done = edgetl("verdict", "runs/fruit")
    assert done.returncode == 2 and "lies outside" in done.stderr


def test_a_baseline_is_held_against(edgetl, run, tmp_path):
    old = tmp_path / "old"
    shutil.copytree(run, old)
    same = edgetl("verdict", "runs/fruit", "--against", old, "--json")
    found = {v["gate"]: v for v in json.loads(same.stdout)["verdicts"]}
    assert same.returncode == 0 and found["latency_against"]["reason"] == "the very same file."
    report = json.loads((old / "report.json").read_text())
    report["artifacts"][0]["top1"], report["artifacts"][0]["size_bytes"] = 0.999, 1000
    (old / "report.json").write_text(json.dumps(report))
    worse = edgetl("verdict", "runs/fruit", "--against", old, "--json")
    found = {v["gate"]: v["outcome"] for v in json.loads(worse.stdout)["verdicts"]}
    assert worse.returncode == 1 and found["top1_against"] == found["size_against"] == "fail"
