"""`edgetl verify` takes files or a recipe, and tells every mistake at once."""

import pytest


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("a.tflite", "b.yaml", "--set", "x=1"), ("b.yaml: is no file that ends in .tflite", "--set: is for a recipe")),
        (
            ("a.tflite", "--limit", "0", "--max-top1-drop", "2"),
            ("--limit: 0: must be at least 1", "--max-top1-drop: 2.0: must be"),
        ),
        (
            ("quickstart", "--data", "x", "--witness", "all", "--strict"),
            ("--data: is for files", "--witness: is for", "--strict: is"),
        ),
        (("quickstart", "other"), ("give one recipe at a time",)),
        (("nowhere.onnx",), ("nowhere.onnx: no such file",)),
    ],
)
def test_what_cannot_be_is_refused(edgetl, arguments, told):
    done = edgetl("verify", *arguments)
    assert done.returncode == 2, done.stderr
    assert all(part in done.stderr for part in told), done.stderr
    assert done.stdout == ""


def test_help_names_both(edgetl):
    done = edgetl("verify", "--help")
    assert done.returncode == 0 and "--witness" in done.stdout and "FILE...|RECIPE" in done.stdout
