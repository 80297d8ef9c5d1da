"""Every format and scheme on a tiny network: made, proved, timed, judged, bundled; a second run does nothing."""

import hashlib
import json
import os
import random
import signal
import subprocess
import sys
import time
import zipfile
from xml.etree import ElementTree

import jsonschema
import psutil
import pytest

import edgetl as edgetl_api
from edgetl.bundle import manifest as bundle_manifest

ALL = (
    "tflite/fp32", "tflite/fp16", "tflite/w8", "tflite/w8a8_dynamic", "tflite/w8a16", "tflite/w8a8_ptq", "tflite/w8a8_qat",
    "onnx/fp32", "onnx/w8", "onnx/w8a8_ptq", "onnx/w8a8_qat",
    "coreml/fp32", "coreml/fp16", "coreml/w8", "coreml/w4_palette", "coreml/w8a8_ptq", "coreml/w8a8_qat",
)  # fmt: skip
SOME = ("tflite/fp32", "tflite/w8a8_qat", "onnx/fp32", "onnx/w8a8_qat", "coreml/fp32", "coreml/fp16", "coreml/w8a8_qat")
"""One of each way a file is made; the others take minutes."""


@pytest.mark.timeout(2000)
@pytest.mark.parametrize("targets", [SOME, pytest.param(ALL, marks=pytest.mark.slow)], ids=["some", "all"])
def test_every_format_and_scheme_is_made_proved_and_bundled(tiny, edgetl, in_ci, tmp_path, targets):
    recipe = tiny(*targets)
    first = edgetl("run", recipe, "--json", timeout=1800)
    assert first.returncode == 0, first.stderr
    report = json.loads(first.stdout)
    artifacts = {f"{a['format']}/{a['scheme']}": a for a in report["artifacts"]}
    assert set(artifacts) == set(targets)
    for name, artifact in artifacts.items():
        assert artifact["status"] == "verified"
        least = 0.8 if "w4" in name else 0.9  # sixteen values a layer
        assert artifact["top1"] >= least, name
        assert artifact["source_agreement"] >= least + 0.04, name
        evaluated = name.startswith("coreml") and sys.platform != "darwin"
        assert artifact["evidence"] == ("reference" if evaluated else "measured")
        if name.startswith("coreml"):
            assert not artifact["benchmark"], "what is evaluated is never timed"
            continue
        assert artifact["benchmark"][0]["latency_ms"]["p50"] > 0
        assert len(artifact["benchmark"][0]["latency_ms"]["values"]) == 40
        assert {"pinned", "steady", "cpu", "cores"} <= set(artifact["benchmark"][0]["environment"])
    assert artifacts["tflite/fp32"]["max_abs_err"] < 1e-4 > artifacts["onnx/fp32"]["max_abs_err"]
    for scheme in dict.fromkeys(name.partition("/")[2] for name in targets if name.startswith("onnx/w8a8")):
        assert artifacts[f"tflite/{scheme}"]["size_bytes"] < 0.45 * artifacts["tflite/fp32"]["size_bytes"]
        against = artifacts[f"onnx/{scheme}"]["against_origin"]
        assert (against["max_steps"], against["agreement"]) == (0, 1.0), "MobileNetV2 is equal to the bit"
        for form in ("tflite", "onnx", "coreml"):
            assert artifacts[f"{form}/{scheme}"]["int8_mac_share"] == 1.0
            assert 0 < artifacts[f"{form}/{scheme}"]["delivered_bytes"] < artifacts[f"{form}/{scheme}"]["size_bytes"]
        against = artifacts[f"coreml/{scheme}"]["against_origin"]
        assert against["agreement"] >= 0.9, "its scales are kept in half precision, so a few steps apart"
    judged = [v for v in report["verdicts"] if v["format"] == "coreml" and v["gate"] in ("max_top1_drop", "min_agreement")]
    assert {v["evidence"] for v in judged} <= ({"measured"} if sys.platform == "darwin" else {"reference"})
    assert artifacts["coreml/fp32"]["max_abs_err"] < 1e-4
    assert artifacts["coreml/fp16"]["size_bytes"] < 0.6 * artifacts["coreml/fp32"]["size_bytes"]
    latency = [v for v in report["verdicts"] if v["gate"] == "latency_p90_ms" and v["format"] != "coreml"]
    assert {v["evidence"] for v in latency} <= {"estimated", None}, "a host time must not judge a phone"
    assert all(v["outcome"] == "unsure" for v in latency if v["evidence"] is None)
    assert {s["status"] for s in report["stages"]} == {"ran"}
    _check_bundle(tmp_path / "runs" / "tiny", targets)
    _check_flips(tmp_path / "runs" / "tiny", report)
    _check_golden(tmp_path / "runs" / "tiny" / "bundle", tmp_path / "app.json", targets)
    artifact = tmp_path / "runs" / "tiny" / "artifacts" / "tiny_w8a8_qat.tflite"
    alone = json.loads(edgetl("verify", artifact, "--witness", "litert_builtin", "--json").stdout)
    assert alone["images"]["from"] == f"test split of {recipe}", "the photos that the run kept"
    assert alone["files"][0]["top1"]["value"] == artifacts["tflite/w8a8_qat"]["top1"]
    assert alone["files"][0]["paired"]["drop"] == artifacts["tflite/w8a8_qat"]["paired"]["drop"]
    assert alone["files"][0]["witnesses"][0]["name"] == "litert_builtin"

    second = edgetl("run", recipe, "--json")
    assert {s["status"] for s in json.loads(second.stdout)["stages"]} == {"cached"}
    planned = json.loads(edgetl("plan", recipe, "--json").stdout)["steps"]
    assert {s["status"] for s in planned} == {"cached"}
    found = in_ci(recipe)
    assert found.codes == {"Run the recipe": 0, "Post the report": 0}, found.told
    assert found.summary == (found.run / "report.md").read_text()
    assert not ElementTree.parse(found.junit).findall(".//failure") and (found.run / "bundle.zip").is_file()
    _check_ship_set(edgetl, tmp_path, targets)
    changed = json.loads(edgetl("plan", recipe, "--set", "quantize.epochs=2", "--json").stdout)["steps"]
    reasons = {s["step"]: s["reasons"] for s in changed if s["status"] == "run"}
    assert reasons["quantize w8a8_qat"] == ["quantize.epochs changed: 1 → 2"]
    assert "finetune" not in reasons and "convert tflite/fp32" not in reasons


def _check_ship_set(edgetl, folder, targets):
    """A bundle of the ship set is whole, signed, and of the set alone."""
    assert edgetl("ship", "key", "own").returncode == 0
    done = edgetl(
        "ship", "runs/tiny", "--devices", "raspberry-pi-4", "--allow-unsure", "--out", "set", "--key", "own.key", "--json"
    )
    told = json.loads(done.stdout)
    assert done.returncode == 0 and [s["device"] for s in told["served"]] == ["raspberry-pi-4"]
    (artifact,) = told["artifacts"]
    assert artifact["name"] in targets and told["bundle"]["sha256"]
    verified = edgetl("ship", "verify", "set/bundle.zip", "--key", "own.pub", "--json")
    assert verified.returncode == 0 and artifact["name"] in verified.stdout, verified.stderr
    held = json.loads((folder / "set" / "bundle" / "manifest.json").read_text())
    assert [f"{a['format']}/{a['scheme']}" for a in held["artifacts"]] == [artifact["name"]]
    assert str(folder) not in json.dumps(held) and "runs/tiny" not in json.dumps(held["verdicts"])


def _check_flips(folder, report):
    sheets = {p.name for p in (folder / "flips").glob("*")} if (folder / "flips").exists() else set()
    flipped = [a for a in report["artifacts"] if a["flips"]]
    assert sheets == {f"{a['format']}_{a['scheme']}.jpg" for a in flipped}
    for artifact in report["artifacts"]:
        if artifact["status"] == "verified":
            assert artifact["paired"]["changed"] == round((1 - artifact["agreement"]) * artifact["paired"]["n"])
    assert "## Files against the float checkpoint, image by image" in (folder / "report.md").read_text()
    assert all(f"{a['format']}/{a['scheme']}" in (folder / "report.html").read_text() for a in report["artifacts"])


def _check_golden(bundle, path, targets):
    """What an app does with the golden photos is equal to the bit for each file, whatever its layout; so is an image's rgb[i]."""
    from edgetl.bundle.opening import opened
    from edgetl.golden import check, log
    from edgetl.golden.expected import expected
    from edgetl.preprocess import to_pixels
    from edgetl.replay import observed

    with opened(bundle) as found:
        for name in targets:
            wanted = expected(found, name, "--artifact")
            logs = [log.log(found, wanted)]
            if name.startswith("coreml"):
                logs.append({"schema": 1, "artifact": name, "images": []})
                for image in wanted.golden:
                    rgb = to_pixels((bundle / "golden" / image.file).read_bytes(), found.preprocess).tobytes()
                    samples = [rgb[i] for i in found.golden["artifacts"][name]["sample_at"]]
                    tensor = {"sha256": hashlib.sha256(rgb).hexdigest(), "samples": samples}
                    logs[1]["images"].append({"file": image.file, "tensor": tensor})
            for value in logs:
                path.write_text(json.dumps(value))
                checked = check.hold(found, wanted, observed.read(path, found.class_names))
                assert checked.same, name
                assert all("input equal to the bit" in image.says for image in checked.images), name


def _check_bundle(folder, targets):
    manifest = json.loads((folder / "bundle" / "manifest.json").read_text())
    files = {p.relative_to(folder / "bundle").as_posix() for p in (folder / "bundle").rglob("*") if p.is_file()}
    assert files == {*manifest["files"], "manifest.json"}
    for form in ("bundle", "bundle.zip"):
        assert edgetl_api.verify_bundle(folder / form).artifacts == tuple(targets)
    jsonschema.validate(manifest, json.loads(bundle_manifest.schema_file().read_text()))
    for name in files:
        assert str(folder).encode() not in (folder / "bundle" / name).read_bytes(), name
    assert manifest["allowed_failed"] == []
    assert (folder / "bundle" / "labels.txt").read_text().split() == ["blue", "green", "red"]
    golden = json.loads((folder / "bundle" / "golden" / "golden.json").read_text())["images"]
    assert len(golden) == 3
    assert all(image["tolerance"]["tflite/w8a8_qat"] >= 2 / 256 for image in golden)
    assert all(set(image["tensors"]) == set(targets) for image in golden)
    for image in golden:
        answers = image["probabilities"]["tflite/w8a8_qat"]
        assert manifest["classes"][answers.index(max(answers))] == image["label"]
    with zipfile.ZipFile(folder / "bundle.zip") as archive:
        assert {n.removeprefix("tiny/") for n in archive.namelist()} == files


def test_a_failed_gate_is_exit_1_in_ci_and_makes_no_bundle(tiny, edgetl, in_ci, tmp_path):
    recipe = tiny("tflite/fp32")
    recipe.write_text(recipe.read_text().replace("1.0e-3", "1.0e-9") + "gates: {min_top1: 0.99}\n")
    found = in_ci(recipe)
    assert found.codes == {"Run the recipe": 1, "Post the report": 0}, found.told
    assert "min_top1" in found.summary and "photos: outside of the repository" in found.told
    cases = {case.get("name"): case for case in ElementTree.parse(found.junit).iter("testcase")}
    assert "must be at least 99.00%" in cases["tflite/fp32 min_top1"].find("failure").get("message")
    assert not (tmp_path / "runs" / "tiny" / "bundle.zip").exists()
    allowed = edgetl("ship", recipe, "--allow-failed")
    assert allowed.returncode == 1
    manifest = json.loads((tmp_path / "runs" / "tiny" / "bundle" / "manifest.json").read_text())
    assert "min_top1" in manifest["allowed_failed"][0]


@pytest.mark.slow
def test_kill_at_any_moment_changes_nothing(tiny, edgetl, tmp_path):
    recipe = tiny("tflite/fp32", "tflite/w8a8_qat", "onnx/w8a8_qat")
    calm = tmp_path / "calm"
    calm.mkdir()
    reference = json.loads(edgetl("run", recipe, "--json", cwd=calm).stdout)
    moments = random.Random(3)
    command = [sys.executable, "-m", "edgetl", "run", str(recipe), "--json"]
    for _ in range(5):
        process = subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        time.sleep(moments.uniform(0.5, 14))
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdout.close()
    time.sleep(1)
    finished = edgetl("run", recipe, "--json")
    assert finished.returncode == 0, finished.stderr
    report = json.loads(finished.stdout)
    for one, other in zip(reference["artifacts"], report["artifacts"], strict=True):
        assert {k: one[k] for k in ("sha256", "top1", "max_abs_err")} == {k: other[k] for k in ("sha256", "top1", "max_abs_err")}
    assert not list((tmp_path / ".edgetl").rglob("*.partial"))
    assert not list((tmp_path / "runs").rglob(".writing"))


def test_ctrl_c_is_exit_130_and_says_that_it_goes_on(tiny, tmp_path):
    command = [sys.executable, "-m", "edgetl", "run", str(tiny("tflite/fp32"))]
    process = subprocess.Popen(
        command,
        cwd=tmp_path,
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # a shell's background jobs inherit that it is ignored
    )
    for line in process.stderr:
        if "finetune" in line:
            break
    time.sleep(1)
    os.killpg(process.pid, signal.SIGINT)
    told = process.stderr.read()
    assert process.wait(timeout=20) == 130
    process.stderr.close()
    assert "interrupted. The same command goes on from here." in told
    assert "Traceback" not in told
    assert "failed" not in told


def test_a_child_ends_with_its_parent(tiny, tmp_path):
    command = [sys.executable, "-m", "edgetl", "run", str(tiny("tflite/fp32"))]
    process = subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
    for line in process.stderr:
        if "finetune" in line:
            break
    time.sleep(1)
    children = psutil.Process(process.pid).children(recursive=True)
    assert children
    process.kill()
    process.wait()
    process.stderr.close()
    for _ in range(50):
        if not any(child.is_running() and child.status() != psutil.STATUS_ZOMBIE for child in children):
            return
        time.sleep(0.1)
    pytest.fail("the child went on after its parent was killed")
