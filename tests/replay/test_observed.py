"""Logs of apps are read strictly: every fault at once, no fault accepted."""

import json

import numpy as np
import pytest

from edgetl import tensors
from edgetl.errors import InputError
from edgetl.replay import observed

CLASSES = ("apple", "pear")


def _written(tmp_path, value):
    path = tmp_path / "app.json"
    path.write_text(value if isinstance(value, str) else json.dumps(value))
    return path


def test_a_log_is_read(tmp_path):
    image = {"file": "a.jpg", "probabilities": [0.25, 0.75], "top": [{"label": "pear", "probability": 0.75}]}
    log = observed.read(_written(tmp_path, {"schema": 1, "artifact": "onnx/fp32", "images": [image]}), CLASSES)
    assert log.images[0].probabilities == (0.25, 0.75)
    assert (log.artifact, log.images[0].top[0].label) == ("onnx/fp32", "pear")


def test_what_is_no_probability_is_said_once(tmp_path):
    for rows, what in (([[-8.0, 3.0], [0.5, 11.0]], "look like logits"), ([[99.5, 0.5], [20.0, 80.0]], "look like per cent")):
        images = [{"file": f"{n}.jpg", "probabilities": row} for n, row in enumerate(rows)]
        with pytest.raises(InputError) as told:
            observed.read(_written(tmp_path, {"schema": 1, "images": images}), CLASSES)
        assert what in str(told.value)
        assert "1 fault(s)" in str(told.value)
    with pytest.raises(InputError, match=r"absent.json: no such file\.$"):
        observed.read(tmp_path / "absent.json", CLASSES)


def test_every_fault_is_told_at_once(tmp_path):
    images = [{"file": "a"}, {"file": "b", "probabilities": [2.0, 0.1]}, {"file": "c", "tensor": {"samples": [1.0]}}]
    with pytest.raises(InputError) as told:
        observed.read(_written(tmp_path, {"schema": 1, "images": images}), CLASSES)
    for part in ("images[0]: needs tensor", "look like logits (from 0.1 to 2)", "must be 64 values"):
        assert part in str(told.value)
    images = [{"file": "b", "probabilities": [1.0]}, {"file": "c", "top": [{"label": "plum"}]}]
    with pytest.raises(InputError) as told:
        observed.read(_written(tmp_path, {"schema": 1, "images": images}), CLASSES)
    assert "has 1 values, the network 2" in str(told.value)
    assert "no class 'plum'" in str(told.value)


@pytest.mark.parametrize(
    "text",
    [
        "", "[]", "{", "[" * 100_000, '{"schema": 1, "schema": 1, "images": []}', '{"schema": 2, "images": []}',
        '{"schema": 1, "images": [{"file": "a", "probabilities": [NaN, 1]}]}',
        '{"schema": 1, "images": [{"file": "a\\n", "probabilities": [0, 1]}]}',
        '{"schema": 1, "images": [{"file": "a", "probabilities": [0, 1e999]}]}',
        '{"schema": 1, "images": [{"file": "a", "top": [{"label": "pear"}]}, {"file": "a", "top": [{"label": "pear"}]}]}',
        "\x00\xff",
    ],
)  # fmt: skip
def test_damaged_and_hostile_logs_are_refused(tmp_path, text):
    with pytest.raises(InputError, match="app.json"):
        observed.read(_written(tmp_path, text), CLASSES)


@pytest.mark.parametrize("layout", ["NHWC", "NCHW"])
def test_places_lie_in_the_buffer_and_meet_all_channels(layout):
    values = np.zeros((32, 32, 3), np.int64) + np.arange(3)
    found = tensors.flat(values, layout)[list(tensors.sample_at(32, layout))]
    assert sorted(set(found.tolist())) == [0, 1, 2]
    one, other = (
        tensors.flat(np.arange(32 * 32 * 3).reshape(32, 32, 3), kind)[list(tensors.sample_at(32, kind))]
        for kind in ("NHWC", "NCHW")
    )
    assert np.array_equal(one, other), "the same pixels, whatever the layout"
