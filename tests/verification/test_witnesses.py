"""Witnesses: which names stand for what, what they say over a connection, and how a disagreement is told."""

import numpy as np
import pytest

from edgetl.connections import arm64_emulated
from edgetl.errors import DeviceUnreachable
from edgetl.types import Preprocess
from edgetl.verification import witnesses
from edgetl.verification.given import Asked
from edgetl.verification.judge import verify


def _chosen(names, form="tflite", main="litert"):
    faults = []
    return witnesses.choose(names, form, main, faults), faults


def test_all_are_the_reference_runtimes_of_the_format():
    assert [w.name for w in _chosen(["all"])[0]] == ["litert_builtin", "litert_reference"]
    assert [w.name for w in _chosen(["all", "onnxruntime_basic"], "onnx", "onnxruntime")[0]] == [
        "onnxruntime_basic",
        "onnxruntime_extended",
        "onnxruntime_unoptimised",
    ]
    assert _chosen(["all", "onnxruntime_basic"])[0][-1].name == "litert_reference", "those of other formats are for other files"


def test_a_connection_is_a_witness_and_says_how_it_knows():
    (found,), faults = _chosen(["local"])
    assert (found.runtime, found.way.via, found.evidence, faults) == ("litert", "local", "host", [])
    assert _chosen(["litert_reference"])[0][0].evidence == "reference"
    assert witnesses.evidence_here("litert") == "measured"


@pytest.mark.parametrize(
    ("name", "form", "told"),
    [
        ("ssh", "tflite", "ssh must be told more"),
        ("litert_bultin", "tflite", "Did you mean 'litert_builtin'?"),
    ],
)
def test_a_name_that_cannot_speak_is_a_fault(name, form, told):
    found, faults = _chosen([name], form)
    assert found == () and told in faults[0]


def test_a_connection_speaks_for_the_files_that_it_can_run_and_is_refused_where_there_is_none():
    assert _chosen(["local"], "coreml", "coreml") == ((), [])
    assert witnesses.useless(["local"], ["coreml", "tflite"], ["coreml", "litert"]) == []
    (fault,) = witnesses.useless(["local"], ["coreml"], ["coreml"])
    assert fault == "--witness local: runs litert, onnxruntime, and none of the files is for that."


def test_a_device_that_does_not_answer_is_told_before_anything_runs(run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "connections.yaml").write_text(f"board: {{via: arm64_emulated, root: {tmp_path / 'none'}}}\n")
    witness = _chosen(["board"])
    if witness[1]:
        pytest.skip(witness[1][0])
    with pytest.raises(DeviceUnreachable, match="--witness board: "):
        verify(Asked(files=(run / "artifacts" / "good.tflite",), data=tmp_path / "no_photos", witnesses=("board",)))


def test_a_disagreement_is_told_in_words():
    told = witnesses.sentence("litert", "litert_builtin", 500, 9, (0.918, 0.912), 0.45, 0.31)
    assert told == (
        "litert_builtin and litert give different answers on 9 of 500 images (1.8%): top-1 0.912 against 0.918, "
        "McNemar mid-p 0.45, so neither is shown to be better; probabilities are up to 0.31 apart."
    )
    told = witnesses.sentence("litert", "arm", 500, 60, (0.918, 0.822), 1e-6, 0.9)
    assert "litert answers better than arm. The same file loses accuracy to its kernels." in told
    assert "arm answers better than litert" in witnesses.sentence("litert", "arm", 500, 60, (0.822, 0.918), 1e-6, 0.9)


def test_sorted_probabilities_come_back_in_index_order():
    names = ("owl", "cat", "dog")
    assert witnesses.from_sorted(np.array([[0.1, 0.2, 0.7]]), names).tolist() == [[0.7, 0.1, 0.2]]


@pytest.mark.parametrize(("name", "runtime"), [("good.tflite", "litert"), ("good.onnx", "onnxruntime")])
def test_what_comes_over_a_connection_is_what_the_file_answers(run, digits, name, runtime):
    from edgetl import registry

    spec, names, pixels = Preprocess(resize_px=32, crop_px=32), tuple("0123456789"), digits.pixels[:20]
    (witness,) = _chosen(["local"], name.rpartition(".")[2], runtime)[0]
    steps = []
    found = witnesses.ask_there(witness, run / "artifacts" / name, pixels, spec, names, lambda *step: steps.append(step))
    session = registry.load("runtimes", runtime).open(run / "artifacts" / name, 1, spec, names)
    for image, answer in zip(pixels, found, strict=True):
        session.set_input(image)
        session.invoke()
        assert np.array_equal(session.output(), answer)
    assert steps == [(16, 20), (20, 20)]


@pytest.mark.slow
def test_an_emulated_arm_speaks_for_a_file(run, photos_of):
    if (reason := arm64_emulated.unreachable(arm64_emulated.Settings())) is not None:
        pytest.skip(reason)
    files = tuple(run / "artifacts" / name for name in ("good.tflite", "good.onnx"))
    found = verify(Asked(files=files, data=photos_of(40), witnesses=("arm64_emulated",), against=files[0]))
    for entry in found["files"]:
        (witness,) = entry["witnesses"]
        assert (witness["via"], witness["evidence"], witness["n"]) == ("arm64_emulated", "emulated", 40)
        assert witness["against_runtime"]["differ"] == 0
        assert witness["against_runtime"]["max_probability_difference"] < 1e-4
