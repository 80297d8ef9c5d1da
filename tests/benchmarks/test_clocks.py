"""`make bench-latency`: its table, and both ways of timing on real files; of times only that they are of one size."""

import pytest

from benchmarks import clocks

pytestmark = pytest.mark.alone


def test_a_row_tells_both_medians_and_their_ratio():
    row = {
        "file": "a.tflite", "threads": 2, "ours_ms": [1.0, 3.0, 2.0], "theirs_ms": [2.0, 2.5, 2.1],
        "ratio": 0.99, "low": 0.97, "high": 1.01, "disturbed": [],
    }  # fmt: skip
    assert clocks.text([row]).splitlines()[2] == (
        "| `a.tflite` | 2 | `litert-benchmark` | 2.000 | 2.100 | 0.990 (0.970–1.010) | no |"
    )
    other = clocks.text([{**row, "file": "a.onnx", "disturbed": ["x", "y"]}])
    assert "| bare loop |" in other
    assert other.endswith("| x; y |")


@pytest.mark.parametrize("name", ["tflite-support/mobilenet_v1_0.25_224_1_default_1.tflite", "onnx/light/light_squeezenet.onnx"])
def test_both_ways_time_the_same_file(material, name):
    found = clocks.compare(material / "models" / name, 1, 1)
    assert 0.2 < found["ratio"] < 5.0
    assert found["low"] == found["ratio"] == found["high"]
    assert len(found["ours_ms"]) == len(found["theirs_ms"]) == 1
