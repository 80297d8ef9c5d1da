"""What a run wrote down of a file is found beside it, and nothing is guessed."""

import json

import pytest

from edgetl import origins
from edgetl.errors import InputError
from edgetl.types import Preprocess, to_json

PREPROCESS = Preprocess(resize_px=36, crop_px=32)


@pytest.fixture
def run(tmp_path):
    import hashlib

    (tmp_path / "artifacts").mkdir()
    (tmp_path / "checkpoint" / "w8a8_qat").mkdir(parents=True)
    for folder in ("checkpoint", "checkpoint/w8a8_qat"):
        (tmp_path / folder / "network.pb").write_bytes(b"x")
    file = tmp_path / "artifacts" / "a_w8a8_qat.tflite"
    file.write_bytes(b"network")
    entry = {"format": "tflite", "scheme": "w8a8_qat", "path": "artifacts/a_w8a8_qat.tflite", "asked": {"io": "uint8"}}
    entry["sha256"] = hashlib.sha256(b"network").hexdigest()
    report = {"artifacts": [entry], "recipe": {"file": "a.yaml"}, "preprocess": to_json(PREPROCESS)}
    report |= {"data": {"classes": ["b", "a"]}, "answers": {"labels_per_image": "one"}}
    (tmp_path / "report.json").write_text(json.dumps(report))
    return file


def test_a_file_is_found_in_the_record_of_its_run(run):
    found = origins.insist(run)
    assert (found.format, found.scheme, found.same, found.several) == ("tflite", "w8a8_qat", True, False)
    assert found.preprocess == PREPROCESS
    assert found.class_names == ("b", "a")
    assert found.asked == {"io": "uint8"}
    assert found.checkpoint == run.parent.parent / "checkpoint"
    assert found.quantized == found.checkpoint / "w8a8_qat"


def test_a_file_that_was_changed_is_told_apart(run):
    run.write_bytes(b"another")
    assert not origins.insist(run).same


def test_a_file_without_a_record_is_refused_with_what_to_do(run, tmp_path):
    other = tmp_path / "artifacts" / "other.tflite"
    other.write_bytes(b"")
    assert origins.find(other) is None
    with pytest.raises(InputError, match="give --recipe"):
        origins.insist(other)


@pytest.mark.parametrize("text", ["[", "[]", '{"artifacts": 3}', "[" * 100_000])
def test_a_damaged_record_is_refused(run, text):
    (run.parent.parent / "report.json").write_text(text)
    with pytest.raises(InputError, match="report.json"):
        origins.find(run)


@pytest.mark.parametrize("key", ["preprocess", "answers", "data", "recipe"])
def test_a_record_that_lacks_something_is_refused(run, key):
    record = run.parent.parent / "report.json"
    value = json.loads(record.read_text())
    del value[key]
    record.write_text(json.dumps(value))
    with pytest.raises(InputError, match="run the recipe again"):
        origins.find(run)


def test_a_model_that_was_converted_without_a_recipe_has_none(run):
    record = run.parent.parent / "report.json"
    value = json.loads(record.read_text())
    value["recipe"]["file"] = None
    record.write_text(json.dumps(value))
    assert origins.insist(run).recipe is None
