"""A file that is not what its target says fails its convert step; one that is comes with what accelerators take of it."""

import json

import pytest

from edgetl.errors import ConversionError
from edgetl.recipe import Target
from edgetl.stages import convert


@pytest.mark.parametrize(
    ("name", "target", "words"),
    [
        ("pretrainedResnet", {"scheme": "w8a8_ptq"}, "weights of .* are stored as float32, which is not w8a8_ptq"),
        ("pretrainedResnet_quant", {"scheme": "w8a8_ptq"}, "the input is int8; float32 was asked"),
        ("pretrainedResnet_quant", {"scheme": "fp32"}, "are stored as int8, which is not fp32"),
    ],
)
def test_another_file_than_was_asked(material, name, target, words):
    path = material / "models" / "mlperf-tiny" / "image_classification" / f"{name}.tflite"
    with pytest.raises(ConversionError, match=rf"{name}\.tflite: is not what tflite/{target['scheme']} says: .*{words}"):
        convert._insist(path, Target(format="tflite", **target))


def test_a_sound_file_comes_with_its_coverage(material):
    path = material / "models" / "mlperf-tiny" / "image_classification" / "pretrainedResnet_quant.tflite"
    rows = {row["delegate"]: row for row in convert._insist(path, Target(format="tflite", scheme="w8a8_ptq", io="int8"))}
    assert set(rows) == {"edge_tpu", "gpu", "xnnpack"}
    assert (rows["gpu"]["mac_share"], rows["gpu"]["leaving"]) == (1.0, {})
    assert rows["edge_tpu"]["mac_share"] == 0.0
    assert any("free dimension" in rule for rule in rows["edge_tpu"]["rules"])


@pytest.mark.slow
def test_a_report_tells_what_leaves_a_devices_accelerators(edgetl, tiny):
    done = edgetl("convert", tiny("tflite/fp32", "onnx/fp32"), "--out", "out")
    assert done.returncode == 0, done.stderr
    recipe = tiny("tflite/fp32")
    report = json.loads((recipe.parent / "out" / "report.json").read_text())
    assert {(r["device"], r["format"], r["delegate"]) for r in report["coverage"]} == {
        ("pixel-4", "tflite", "gpu"), ("pixel-4", "tflite", "xnnpack"), ("pixel-4", "onnx", "nnapi"),
    }  # fmt: skip
    text = (recipe.parent / "out" / "report.md").read_text()
    assert "## Accelerators" in text
    assert "| pixel-4 | tflite/fp32 | gpu | 100.0% | 1 | nothing |" in text
