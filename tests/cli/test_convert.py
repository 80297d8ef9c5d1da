"""`edgetl convert` takes a recipe or a model, and tells every fault of its options before anything is imported or run."""

import pytest

from edgetl.cli import convert


@pytest.mark.parametrize(
    ("arguments", "lines"),
    [
        (["mine.onnx"], ["from ONNX nothing is converted"]),
        (["mine.pt"], ["networks of PyTorch are not read"]),
        (["quickstart", "--to", "tflite"], ["quickstart is read as a recipe", "--to: is for a model"]),
        (["models/mine", "--to", "tflite", "--scheme", "fp32"], ["models/mine: no such file or folder. A model ends in .keras"]),
        (["mine.keras", "--to", "tflite"], ["--to: needs --scheme"]),
        (
            ["mine.keras", "--scheme", "fp32", "--mean", "0.485,0.456,0.406", "--std", "0.229,0.224,0.225", "--target", "tflite"],
            ["--std: 0.229,0.224,0.225: the formula is (byte - mean) / std", "0.229 is 58.395", "--target tflite: must be"],
        ),
        (["mine.keras", "--scheme", "fp32", "--mean", "1,2"], ["--mean and --std: go together"]),
        (["mine.keras", "--scheme", "fp32", "--range", "0-1"], ["--range: 0-1: must be 0..1, -1..1, 0..255"]),
        (["mine.keras", "--scheme", "fp32", "--labels", "none.txt"], ["--labels: none.txt: cannot be read"]),
        (["mine.keras", "--scheme", "fp32"], ["mine.keras: no such file or folder", "--calibration FOLDER: is missing"]),
    ],
)
def test_faults_of_options(edgetl, arguments, lines):
    done = edgetl("convert", *arguments)
    assert done.returncode == 2
    assert done.stdout == ""
    for line in lines:
        assert line in done.stderr, done.stderr


def test_names_of_labels_must_each_be_there_once(edgetl, tmp_path):
    (tmp_path / "labels.txt").write_text("cat\ndog\ncat\n")
    done = edgetl("convert", "mine.keras", "--scheme", "fp32", "--labels", "labels.txt")
    assert "must hold one name a line, each once" in done.stderr


def test_blank_lines_at_the_end_of_labels_are_no_fault(tmp_path):
    faults = []
    (tmp_path / "labels.txt").write_bytes(b"cat\r\ndog\r\n\r\n \n")
    assert convert._labels(tmp_path / "labels.txt", faults) == ("cat", "dog")
    (tmp_path / "labels.txt").write_bytes(b"\ncat\ndog\n")
    assert convert._labels(tmp_path / "labels.txt", faults) is None, "a name is missing, and all others would shift"
    assert len(faults) == 1
