"""Xcode's performance report: raw values in seconds, and what Core ML was allowed to use."""

import json

import pytest

from edgetl.errors import InputError
from edgetl.logs import xcode


def test_a_report(log):
    (found,) = xcode.read(log("xcode.json"), "report.json")
    assert found.values_ms == pytest.approx((0.48, 0.51, 0.47, 0.5))
    assert (found.load_ms, found.accelerator, found.runtime, found.runtime_version) == (210.0, "all", "coreml", "iOS 18.3.1")
    assert (found.device, found.model) == ("iPhone 14 Pro", "fruit.mlpackage")


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (("computeUnit",), 7, "computeUnit: is 7; expected 0"),
        (("deviceResults", "predict", "samples"), [], "states no latency"),
        (("deviceResults", "predict", "samples"), [0.1, -0.1], "values_ms"),
        (("deviceResults", "predict", "samples"), [0.1, "x"], r"predict\.samples\[1\]: must be a number"),
        (("deviceResults", "predict", "samples"), [0.1] * 100_001, "has 100001 entries; at most 100000 are read"),
        (("deviceResults", "predict"), {}, "deviceResults.predict: 'samples' is missing"),
        (("deviceInfo",), {}, "deviceInfo: 'modelName' is missing"),
        (("deviceInfo", "modelName"), "a\nb", "device: .*one line of at most 512"),
    ],
)
def test_damage_is_told(log, path, value, message):
    report = json.loads(log("xcode.json"))
    holder = report
    for key in path[:-1]:
        holder = holder[key]
    holder[path[-1]] = value
    with pytest.raises(InputError, match=message):
        xcode.read(json.dumps(report), "report.json")


def test_it_recognises_its_own(log):
    assert xcode.recognises(log("xcode.json"), "report.json")
    assert not xcode.recognises(log("litert.json"), "x.json")
