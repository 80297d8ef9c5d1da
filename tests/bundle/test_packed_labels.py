"""Labels inside artifacts, read from real files of each format."""

import json
import zipfile

import onnx
import pytest

from edgetl.bundle import packed_labels

NAMES = ["blé", "pear", "two words"]


def _onnx(path, **told):
    graph = onnx.helper.make_graph([], "g", [], [])
    model = onnx.helper.make_model(graph)
    for key, value in told.items():
        model.metadata_props.add(key=key, value=value)
    path.write_bytes(model.SerializeToString())
    return path


def test_onnx(tmp_path):
    assert packed_labels.read(_onnx(tmp_path / "a.onnx", labels=json.dumps(NAMES)), "onnx") == NAMES
    assert packed_labels.read(_onnx(tmp_path / "b.onnx", other="x"), "onnx") is None
    for wrong in ("no", '{"a": 1}', "[1]", "[" * 100_000):
        with pytest.raises(ValueError, match="."):
            packed_labels.read(_onnx(tmp_path / "c.onnx", labels=wrong), "onnx")
    (tmp_path / "d.onnx").write_bytes(b"\xff" * 100)
    with pytest.raises(ValueError, match="is no ONNX file"):
        packed_labels.read(tmp_path / "d.onnx", "onnx")


def test_tflite(tmp_path):
    path = tmp_path / "a.tflite"
    path.write_bytes(b"TFL3" * 100)
    assert packed_labels.read(path, "tflite") is None
    with zipfile.ZipFile(path, "a") as packed:
        packed.writestr("labels.txt", "\n".join(NAMES) + "\n")
    assert packed_labels.read(path, "tflite") == NAMES
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("other.txt", bytes(10_000_000))
    assert packed_labels.read(path, "tflite") == NAMES
    large = tmp_path / "b.tflite"
    with zipfile.ZipFile(large, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("labels.txt", bytes(10_000_000))
    with pytest.raises(ValueError, match="more than 4 MB"):
        packed_labels.read(large, "tflite")


def test_a_format_that_is_not_known_here_has_none(tmp_path):
    assert packed_labels.read(tmp_path / "a.xyz", "xyz") is None
