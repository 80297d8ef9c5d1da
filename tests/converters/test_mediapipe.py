"""MediaPipe's own ImageClassifier loads our TFLite files unchanged, and answers as LiteRT does in ours."""

import importlib.util
import json
import subprocess
from pathlib import Path

import numpy as np
import pytest

from edgetl import platt
from edgetl.inspection import Asked, inspect

HERE = Path(__file__).parent
_spec = importlib.util.spec_from_file_location("need", HERE.parent / "clients" / "need.py")
need = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(need)

SCORES = tuple((0.4 + 0.2 * place, 0.3 * place - 0.5) for place in range(6))
FILES = [
    ("tflite/fp32", {}), ("tflite/fp32", {"normalise": "graph"}), ("tflite/fp16", {}), ("tflite/w8", {}),
    ("tflite/w8a8_dynamic", {}), ("tflite/w8a16", {}), ("tflite/w8a8_ptq", {}), ("tflite/w8a8_ptq", {"io": "uint8"}),
]  # fmt: skip


@pytest.fixture(scope="module")
def told(classifier, tmp_path_factory):
    """What MediaPipe says of each file, by its key."""
    python = need.mediapipe_python()
    np.save(tmp_path_factory.mktemp("photos") / "photos.npy", classifier.pixels)
    photos = next(tmp_path_factory.getbasetemp().glob("photos*/photos.npy"))
    made = {(name, *options.items()): classifier.make(name, **options).path for name, options in FILES}
    made["scores"] = classifier.make("tflite/fp32", scores=SCORES).path
    made["int8"] = classifier.make("tflite/w8a8_ptq", io="int8").path
    done = subprocess.run(
        [python, HERE / "mediapipe_child.py", photos, *made.values()], capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    said = json.loads(done.stdout.splitlines()[-1])
    return {key: said[str(path)] for key, path in made.items()}


def _matrix(rows, names):
    """Scores (N, classes); each answer must carry the name of its class."""
    found = np.full((len(rows), len(names)), np.nan)
    for place, row in enumerate(rows):
        for index, name, score in row:
            assert name == names[index]
            found[place, index] = score
    return found


@pytest.mark.parametrize(("name", "options"), FILES)
def test_its_answers_are_ours(classifier, told, name, options):
    rows = told[(name, *options.items())]
    assert isinstance(rows, list), rows
    theirs = _matrix(rows, classifier.names)
    ours = classifier.answers(classifier.make(name, **options).path)
    assert len(theirs) == 100
    sure = np.sort(ours, axis=1)[:, -1] - np.sort(ours, axis=1)[:, -2] > 1e-6  # with integers two classes may be level
    assert sure.mean() >= 0.97
    assert (theirs.argmax(axis=1) == ours.argmax(axis=1))[sure].all()
    assert np.nanmax(np.abs(theirs - ours)) < 1e-3


def test_calibrated_scores_are_what_is_documented(classifier, told):
    theirs = _matrix(told["scores"], classifier.names)
    ours = platt.calibrated(classifier.answers(classifier.make("tflite/fp32", scores=SCORES).path), SCORES)
    assert np.abs(theirs - ours).max() < 1e-3
    plain = classifier.answers(classifier.make("tflite/fp32").path)
    assert np.abs(theirs - plain).max() > 0.1


def test_what_is_refused_at_plan_time_is_refused_there_too(classifier, told):
    assert "uint8/float32, got INT8" in told["int8"]
    found = inspect(classifier.make("tflite/w8a8_ptq", io="int8").path, Asked(client="mediapipe")).errors
    assert [(f.rule, f.where) for f in found] == [("client", "image"), ("client", "probabilities")]


def test_inspect_says_that_it_takes_a_good_file_and_refuses_another(classifier, edgetl):
    for io, code, words in (("float32", 0, "ImageClassifier takes it\n"), ("int8", 1, "ImageClassifier refuses it\n")):
        done = edgetl("inspect", classifier.make("tflite/w8a8_ptq", io=io).path, "--client", "mediapipe")
        assert (done.returncode, words in done.stdout) == (code, True), done.stdout + done.stderr


def test_a_file_without_metadata_is_refused_by_both(classifier, tmp_path):
    python = need.mediapipe_python()
    import flatbuffers
    from ai_edge_litert import schema_py_generated as schema

    model = schema.ModelT.InitFromPackedBuf(classifier.make("tflite/fp32").path.read_bytes(), 0)
    model.metadata = [entry for entry in model.metadata if entry.name != b"TFLITE_METADATA"]
    builder = flatbuffers.Builder(0)
    builder.Finish(model.Pack(builder), file_identifier=b"TFL3")
    bare = tmp_path / "bare.tflite"
    bare.write_bytes(bytes(builder.Output()))
    np.save(tmp_path / "one.npy", classifier.pixels[:1])
    done = subprocess.run(
        [python, HERE / "mediapipe_child.py", tmp_path / "one.npy", bare], capture_output=True, text=True, timeout=300, check=True
    )
    assert "NormalizationOptions" in json.loads(done.stdout.splitlines()[-1])[str(bare)]
    assert any("refuses it" in f.message for f in inspect(bare, Asked(client="mediapipe")).errors)
