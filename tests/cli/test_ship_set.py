"""`edgetl ship RUN`: the fewest files for the devices, by what is known by now; who gets nothing, and what would settle it."""

import hashlib
import json

import pytest
import yaml

from edgetl import places

SIZES = {"tflite/fp32": 9_000, "tflite/w8a8_qat": 3_000, "onnx/fp32": 8_000, "coreml/fp16": 1_000}
LOG = """STARTING!
Num threads: [4]
Graph: [/data/local/tmp/fruit_w8a8_qat.tflite]
#threads used for CPU inference: [4]
Loaded model /data/local/tmp/fruit_w8a8_qat.tflite
INFO: Created TensorFlow Lite XNNPACK delegate for CPU.
The input model file size (MB): 0.003
Initialized session in 12.3ms.
Running benchmark for at least 1 iterations and at least 0.5 seconds but terminate if exceeding 150 seconds.
count=15 first=5000 curr=5000 min=4900 max=5100 avg=5000 std=30

Running benchmark for at least 50 iterations and at least 1 seconds but terminate if exceeding 150 seconds.
count=50 first=5000 curr=5000 min=4900 max=5100 avg=5000 std=30

Inference timings in us: Init: 12300, First inference: 5000, Warmup (avg): 5000, Inference (avg): 5000
"""


@pytest.fixture
def run(tmp_path):
    """A run of four files of nothing: their sizes and the ledger decide, and no estimate can."""
    folder = tmp_path / "runs" / "fruit"
    (folder / "artifacts").mkdir(parents=True)
    artifacts = []
    for name, size in SIZES.items():
        form, scheme = name.split("/")
        path, data = f"artifacts/fruit_{scheme}.{form}", bytes(size)
        (folder / path).write_bytes(data)
        artifacts.append(
            {"format": form, "scheme": scheme, "path": path, "sha256": hashlib.sha256(data).hexdigest(), "size_bytes": size,
             "delivered_bytes": size // 2, "top1": 0.9, "status": "verified"}
        )  # fmt: skip
    report = {
        "schema": 1, "recipe": {"name": "fruit", "file": "fruit.yaml", "sha256": "0", "overrides": []}, "devices": [],
        "checkpoint": {"n": 100, "top1": 0.9}, "verdicts": [], "artifacts": artifacts,
    }  # fmt: skip
    (folder / "report.json").write_text(json.dumps(report))
    board = (places.shipped("devices") / "raspberry-pi-4.yaml").read_text().partition("\ncalibrations:")[0]
    for name, formats, budget in (
        ("small", ["tflite"], {"size_mb": 0.004}),
        ("large", ["tflite", "onnx"], {"size_mb": 1}),
        ("onnx_only", ["onnx"], {"size_mb": 1}),
        ("timed", ["tflite"], {"size_mb": 0.004, "latency_p90_ms": 10}),
        ("tiny", ["tflite", "onnx"], {"size_mb": 0.001}),
    ):
        profile = yaml.safe_load(board)
        profile |= {"name": name, "measured_as": [], "budget": {**budget, "reason": "to be tested"}}
        profile["formats"] = [f for f in profile["formats"] if f["format"] in formats]
        (tmp_path / f"{name}.yaml").write_text(yaml.safe_dump(profile, sort_keys=False))
    return folder


def _ship(edgetl, devices, *more):
    done = edgetl("ship", "runs/fruit", "--devices", ",".join(f"{d}.yaml" for d in devices.split()), "--json", *more)
    assert done.returncode in (0, 1), done.stderr
    told = json.loads(done.stdout)
    return done.returncode, {s["device"]: s["given"]["artifact"] for s in told["served"]}, told


def test_fewest_files_and_the_ledger_settles_what_is_unsure(edgetl, run, tmp_path):
    code, served, told = _ship(edgetl, "small large onnx_only")
    assert (code, served) == (0, {"small": "tflite/w8a8_qat", "large": "tflite/w8a8_qat", "onnx_only": "onnx/fp32"})
    assert told["delivered_bytes"] == 1_500 + 4_000 and [a["name"] for a in told["artifacts"]] == ["onnx/fp32", "tflite/w8a8_qat"]
    assert json.loads((run / "shipset.json").read_text()) == told

    code, served, told = _ship(edgetl, "small timed tiny")
    assert (code, served) == (1, {"small": "tflite/w8a8_qat"})
    why = {u["device"]: u["why"] for u in told["unserved"]}
    assert "latency_p90_ms unsure" in why["timed"] and "edgetl bench runs/fruit/artifacts/fruit_w8a8_qat.tflite" in why["timed"]
    assert "nearest is tflite/w8a8_qat: size_mb fail: 0.003 MB; the budget is 0.001 MB" in why["tiny"]
    code, served, _ = _ship(edgetl, "small timed", "--allow-unsure")
    assert (code, served["timed"]) == (0, "tflite/w8a8_qat")

    (tmp_path / "phone.log").write_text(LOG)
    artifact = run / "artifacts" / "fruit_w8a8_qat.tflite"
    added = edgetl("evidence", "add", "phone.log", "--device", "timed.yaml", "--artifact", artifact)
    assert added.returncode == 0, added.stderr
    code, served, told = _ship(edgetl, "timed")
    assert (code, served) == (0, {"timed": "tflite/w8a8_qat"}) and "(imported" in told["served"][0]["why"]

    shown = edgetl("ship", "runs/fruit", "--devices", "small.yaml,tiny.yaml")
    assert shown.returncode == 1 and "serve 1 of 2 device(s)" in shown.stdout and "tiny is unserved" in shown.stdout


@pytest.mark.parametrize("columns", [80, 120])
def test_what_is_shown_fits_the_terminal(edgetl, run, monkeypatch, columns):
    monkeypatch.setenv("COLUMNS", str(columns))
    shown = edgetl("ship", "runs/fruit", "--devices", "small.yaml,large.yaml,timed.yaml,tiny.yaml").stdout
    lines = shown.splitlines()
    assert max(map(len, lines)) <= columns
    row = next(line.split() for line in lines if line.startswith("small") and "size_mb" in line)
    assert row == ["small", "size_mb", "0.003", "0.004", "measured"]
    assert "tiny is unserved: nearest is tflite/w8a8_qat:" in lines


def test_what_makes_no_sense_is_refused_and_a_recipe_is_still_a_recipe(edgetl, run):
    for arguments, told in (
        (["runs/fruit"], "names no device"),
        (["runs/fruit", "--devices", "pixel-4,pixel-4"], "named twice"),
        (["runs/fruit", "--devices", "pixle-4"], "--devices: no device named 'pixle-4'. Did you mean 'pixel-4'? Known: "),
        (["runs/fruit", "--devices", "pixle-4"], "pixel-3, pixel-2, pixel-1; all of them: `edgetl list devices`."),
        (["runs/fruit", "--set", "seed=1", "--allow-failed"], "--set, --allow-failed: of a recipe only"),
        (["quickstart", "--devices", "pixel-4"], "--devices: of the folder of a run only"),
        (["runs", "--devices", "pixel-4"], "holds no report.json"),
        (["runs/fruit", "--devices", "small.yaml", "--key", "own.key"], "Add it."),
        (["runs/fruit", "--devices", "small.yaml", "--out", "set"], "made no bundle, as a gate failed"),
        (["absent"], "no recipe named 'absent'"),
    ):
        done = edgetl("ship", *arguments)
        assert done.returncode == 2 and told in done.stderr, (arguments, done.stderr)
    assert not (run / "shipset.json").exists() and not (run.parents[1] / "set").exists()


def test_a_file_that_the_run_could_not_prove_serves_nobody(edgetl, run):
    report = json.loads((run / "report.json").read_text())
    next(a for a in report["artifacts"] if a["scheme"] == "w8a8_qat").update(status="failed", reason="it crashed.")
    (run / "report.json").write_text(json.dumps(report))
    code, served, told = _ship(edgetl, "small large")
    assert (code, served) == (1, {"large": "onnx/fp32"})
    assert "nearest is tflite/fp32" in told["unserved"][0]["why"]
