"""Files on photos: twenty images decide nothing, five hundred do; witnesses are held against the runtime; nothing is guessed."""

import json
import shutil
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from edgetl.errors import EdgetlError, InputError, VerificationError
from edgetl.verification import given
from edgetl.verification.given import Asked, read
from edgetl.verification.judge import verify


@pytest.fixture
def artifacts(run, tmp_path):
    """A run's folder of this test's own."""
    shutil.copytree(run, tmp_path / "run")
    return tmp_path / "run" / "artifacts"


def _gates(entry):
    return {v["gate"]: v for v in entry["verdicts"]}


@pytest.fixture(scope="module")
def few(photos_of):
    return photos_of(20)


def test_with_twenty_photos_it_is_unsure_and_says_how_many_are_needed(edgetl, run, few):
    files = [run / "artifacts" / name for name in ("good.tflite", "good.onnx")]
    done = edgetl("verify", *files, "--data", few, "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["images"]["n"] == 20
    assert found["against"]["runtime"] is None, "the checkpoint itself"
    assert found["failed"] == [] and len(found["unsure"]) == 4
    for entry in found["files"]:
        verdict = _gates(entry)["max_top1_drop"]
        assert (verdict["outcome"], verdict["limit"], verdict["images_needed"]) == ("unsure", 0.01, 300)
        assert "about 300 images like these would settle it" in verdict["reason"]
        assert entry["paired"]["images_to_resolve"] == 300
        assert entry["recorded"] is True
    strict = edgetl("verify", files[0], "--data", few, "--against", files[0], "--strict")
    assert strict.returncode == 1
    assert "unsure" in strict.stdout and "about 300 images" in strict.stdout


@pytest.fixture(scope="module")
def judged(run, photos_of):
    files = tuple(run / "artifacts" / name for name in ("good.tflite", "good.onnx", "shifted.tflite"))
    many = photos_of(500)
    return verify(Asked(files=files, data=many, witnesses=("all",), against=files[0], max_top1_drop=0.01))


def test_with_five_hundred_it_decides(judged):
    good, onnx, shifted = judged["files"]
    assert judged["images"]["n"] == 500
    assert good["top1"]["value"] > 0.9
    for entry in (good, onnx):
        assert _gates(entry)["max_top1_drop"]["outcome"] == "pass"
        assert _gates(entry)["min_top1"]["outcome"] == "pass", "the gate that the run was judged by"
        assert _gates(entry)["max_top1_drop"]["images_needed"] is None
        assert not entry["flips"]
    assert {gate: v["outcome"] for gate, v in _gates(shifted).items()} == {"min_top1": "fail", "max_top1_drop": "fail"}
    assert judged["unsure"] == []
    assert all("shifted.tflite" in line for line in judged["failed"]) and judged["failed"]
    assert shifted["paired"]["mcnemar_p"] < 1e-9
    assert shifted["flips"][0]["kind"] == "lost"
    assert int(shifted["flips"][0]["candidate"]["answer"]) == (int(shifted["flips"][0]["reference"]["answer"]) + 1) % 10


def test_every_witness_here_is_asked_and_told_in_words(judged):
    names = [[w["name"] for w in entry["witnesses"]] for entry in judged["files"]]
    assert names[0] == ["litert_builtin", "litert_reference"]
    assert names[1] == ["onnxruntime_basic", "onnxruntime_extended", "onnxruntime_unoptimised"]
    for witness in judged["files"][0]["witnesses"]:
        told = witness["against_runtime"]
        assert told["differ"] == 0 and 0 < told["max_probability_difference"] < 1e-4
        assert f"{witness['name']} gives the same answer as litert on all 500 images" in told["told"]
        assert witness["evidence"] == "reference"
        assert "min_agreement" not in _gates(witness)
    by = [line for line in judged["failed"] if "by litert_reference" in line]
    assert by, "a witness whose top-1 falls below its gate fails, too"


def test_a_gate_of_the_worst_class_is_unsure_with_few_images_of_each(judged):
    classes = judged["files"][0]["paired"]["worst_class"]
    assert classes["classes"] == 10 and classes["high"] > 0.05, "fifty images of a class cannot exclude 5 %"
    lost = judged["files"][2]["paired"]["worst_class"]
    assert lost["low"] > 0.5


def test_what_is_wrong_is_told_all_at_once(artifacts, few):
    asked = Asked(
        files=(artifacts / "good.tflite", artifacts / "none.onnx", artifacts / "good.txt"),
        data=few,
        witnesses=("onnxruntime_basic", "litert", "litert_refrence"),
    )
    (artifacts / "good.txt").write_text("x")
    with pytest.raises(InputError) as error:
        read(asked)
    told = str(error.value)
    assert "none.onnx: no such file" in told
    assert "good.txt: is no file that ends in" in told
    assert "--witness onnxruntime_basic: runs onnx, and none of the files is that" in told
    assert "--witness litert: runs these files anyway" in told
    assert "no runtime, connection or device named 'litert_refrence'. Did you mean 'litert_reference'?" in told


def test_a_file_that_is_another_by_now_is_told(artifacts):
    shutil.copy(artifacts / "shifted.tflite", artifacts / "good.tflite")
    (warning,) = read(Asked(files=(artifacts / "good.tflite",))).warnings
    assert "is not the file that" in warning and "sha256" in warning


def test_without_photos_or_a_store_it_says_what_to_give(artifacts, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match="Give --data FOLDER.*its recipe cannot be read"):
        verify(Asked(files=(artifacts / "good.tflite",)))


def test_without_a_checkpoint_it_says_what_to_give(artifacts, few):
    shutil.rmtree(artifacts.parent / "checkpoint")
    with pytest.raises(InputError, match="no checkpoint lies beside the files. Give --against"):
        verify(Asked(files=(artifacts / "good.tflite",), data=few))
    with pytest.raises(InputError, match=r"--against .*nowhere: there is no"):
        verify(Asked(files=(artifacts / "good.tflite",), data=few, against=artifacts / "nowhere"))


def test_gates_are_those_of_the_run_and_nonsense_is_none(artifacts):
    path = artifacts.parent / "report.json"
    report = json.loads(path.read_text())
    (file,) = read(Asked(files=(artifacts / "good.tflite",), max_top1_drop=0.03)).files
    assert {k: v for k, v in file.limits.items() if v is not None} == {"min_top1": 0.85, "max_top1_drop": 0.03}
    for nonsense in (
        3,
        [3, {"gate": []}],
        [{"format": "tflite", "scheme": "fp32", "device": None, "gate": "min_top1", "limit": 7}],
    ):
        path.write_text(json.dumps(report | {"verdicts": nonsense}))
        (file,) = read(Asked(files=(artifacts / "good.tflite",))).files
        assert {k: v for k, v in file.limits.items() if v is not None} == {"max_top1_drop": 0.01}, "what is usual"


def test_a_file_from_elsewhere_is_verified_by_its_recipe_against_another_file(artifacts, few, tmp_path):
    shutil.move(artifacts / "good.onnx", tmp_path / "mine.onnx")
    recipe = tmp_path / "mine.yaml"
    recipe.write_text(
        f"schema: 1\nname: mine\ndata: {{source: folder, path: {few}}}\n"
        "backbone: {name: mobilenet_v2, alpha: 0.35, input_px: 32, weights: none}\n"
        "train: [{phase: all, freeze: none, epochs: 1, learning_rate: 0.001}]\n"
        "targets: [{format: onnx, scheme: fp32}]\ngates: {min_agreement: 0.8}\n"
    )
    asked = Asked(files=(tmp_path / "mine.onnx",), data=few, recipe=str(recipe), against=artifacts / "good.tflite")
    found = verify(asked)
    (entry,) = found["files"]
    assert (entry["scheme"], entry["recorded"], entry["agreement"]) == ("–", None, 1.0)
    assert [v["gate"] for v in entry["verdicts"]] == ["min_agreement"], "the gates of the recipe"
    assert found["against"]["runtime"] == "litert"
    assert "no run wrote it down" in found["warnings"][0]


def test_a_file_without_a_record_is_refused(artifacts, few):
    (artifacts.parent / "report.json").unlink()
    with pytest.raises(InputError, match="nothing says how its pixels are prepared"):
        read(Asked(files=(artifacts / "good.tflite",), data=few))


def test_a_damaged_file_fails_in_its_own_process(artifacts, few):
    data = bytearray((artifacts / "good.tflite").read_bytes())
    data[8:4000] = np.random.default_rng(0).integers(0, 256, 3992).astype(np.uint8).tobytes()
    (artifacts / "good.tflite").write_bytes(bytes(data))
    with pytest.raises(EdgetlError, match=r"good\.tflite"):
        verify(Asked(files=(artifacts / "good.tflite",), data=few, against=artifacts / "good.onnx"))


def test_a_file_of_other_classes_is_refused(artifacts, few):
    report = json.loads((artifacts.parent / "report.json").read_text())
    report["data"]["classes"].append("ten")
    (artifacts.parent / "report.json").write_text(json.dumps(report))
    with pytest.raises(VerificationError, match="answers 10 numbers an image, and there are 11 classes"):
        verify(Asked(files=(artifacts / "good.tflite",), data=few, against=artifacts / "good.onnx"))


@pytest.mark.parametrize(
    ("record", "told"), [("report.json", "converted without a recipe"), ("manifest.json", "a bundle does not")]
)
def test_why_there_is_no_recipe_is_said(record, told):
    origin = SimpleNamespace(recipe=None, record=Path(record))
    recipe, why = given._own_recipe([SimpleNamespace(origin=origin)])
    assert recipe is None
    assert told in why


@pytest.mark.parametrize("name", ["good.tflite", "good.onnx"])
def test_a_file_of_another_size_is_a_fault_of_what_was_given(artifacts, few, name):
    """Not a runtime's words on tensors: both sizes, and what to do."""
    record = artifacts.parent / "report.json"
    report = json.loads(record.read_text())
    report["preprocess"] |= {"resize_px": 48, "crop_px": 40}
    record.write_text(json.dumps(report))
    with pytest.raises(InputError, match=f"{name}: takes images of 32×32 pixels, and photos are prepared as 40×40") as refused:
        verify(Asked(files=(artifacts / name,), data=few, against=artifacts / name))
    assert refused.value.exit_code == 2


def test_all_where_there_is_no_other_runtime_is_said(artifacts, few, monkeypatch):
    from edgetl.runtimes import litert_builtin, litert_reference

    for module in (litert_builtin, litert_reference):
        monkeypatch.setattr(module, "unavailable", lambda: "not here")
    path = artifacts / "good.tflite"
    given = read(Asked(files=(path,), data=few, witnesses=("all",)))
    assert given.warnings == (f"{path}: --witness all: no other runtime here runs tflite files.",)
    assert not read(Asked(files=(artifacts / "good.onnx",), data=few, witnesses=("all",))).warnings


def test_a_file_without_a_record_is_called_what_its_name_claims(tmp_path):
    from edgetl.verification.given import File

    kept = {"format": "onnx", "runtime": "onnxruntime", "origin": None, "witnesses": (), "limits": {}}
    assert File(path=tmp_path / "net_w8a8_ptq.onnx", **kept).scheme == "w8a8_ptq"
    assert File(path=tmp_path / "net.onnx", **kept).scheme == "–"
