import math

import pytest

from edgetl.estimator.matching import matches
from edgetl.estimator.rows import Setting


def _setting(**given):
    return Setting(
        **{
            "device": "Board",
            "runtime": "tflite",
            "runtime_version": "",
            "accelerator": "cpu",
            "threads": 0,
            "precision": "int8",
            **given,
        }
    )


KNOWN = [
    _setting(runtime_version="2.5.0", threads=4),
    _setting(runtime_version="2.11.0", threads=4),
    _setting(runtime_version="2.11.0", threads=1),
    _setting(runtime="xnnpack", runtime_version="2020-03-27", threads=2),
    _setting(runtime_version="2.11.0", threads=4, precision="fp32"),
]


def test_what_fits_exactly_speaks_without_a_doubt():
    found, *_ = matches(_setting(runtime_version="2.5.0", threads=4), KNOWN, ("int8",), 4)
    assert found.setting == KNOWN[0] and found.deviation == 0.0 and found.log_factor == 0.0 and found.because == ()


def test_without_a_version_the_newest_speaks():
    assert matches(_setting(threads=4), KNOWN, ("int8",), 4)[0].setting == KNOWN[1]


def test_another_version_is_named_and_widens():
    found, *_ = matches(_setting(runtime_version="2.18.0", threads=1), KNOWN, ("int8",), 4)
    assert found.setting == KNOWN[2] and found.deviation > 0.1 and "not on version 2.18.0" in found.because[0]


def test_threads_are_bridged_by_a_serial_share():
    found, *_ = matches(_setting(runtime_version="2.5.0", threads=2), KNOWN[:1], ("int8",), 4)
    assert found.log_factor == pytest.approx(math.log((0.15 + 0.85 / 2) / (0.15 + 0.85 / 4)))
    assert "scaled from 4 to 2 threads" in found.because[0] and found.deviation > 0


def test_unstated_threads_are_taken_for_all_cores_and_that_is_said():
    found, *_ = matches(_setting(threads=4), [_setting(runtime_version="2.7.1")], ("int8",), 4)
    assert found.log_factor == 0.0 and found.deviation > 0 and "do not say how many threads" in found.because[0]


def test_another_precision_never_speaks():
    assert matches(_setting(threads=4), KNOWN[4:], ("int8", "w8a8"), 4) == ()


def test_a_version_of_long_ago_is_not_answered_by_a_new_one():
    assert matches(_setting(runtime_version="1.15", threads=4), KNOWN, ("int8",), 4) == ()
