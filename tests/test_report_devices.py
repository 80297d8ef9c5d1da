"""The picture of a device, and JUnit: whole XML that says what it shows."""

import xml.etree.ElementTree as ET

from edgetl.report import device_plots, junit
from edgetl.types import Verdict


def _verdict(scheme, value, interval, outcome, evidence="estimated", gate="latency_p90_ms", device="pixel-4"):
    return Verdict(format="tflite", scheme=scheme, device=device, gate=gate, outcome=outcome, value=value, interval=interval,
                   limit=16.0, evidence=evidence, reason="<because> & so")  # fmt: skip


VERDICTS = (
    _verdict("fp32", 21.0, (13.0, 37.0), "unsure"),
    _verdict("w8a8_qat", 7.0, (5.0, 11.0), "pass", "measured"),
    _verdict("w8", 30.0, None, "fail", "imported"),
    _verdict("fp16", None, None, "skipped", None),
    _verdict("fp32", 1.0, None, "pass", gate="size_mb"),
)


def _numbers(svg):
    root = ET.fromstring(svg)
    space = "{http://www.w3.org/2000/svg}"
    dots = [float(c.get("cx")) for c in root.iter(f"{space}circle")]
    words = [t.text for t in root.iter(f"{space}text")]
    return dots, words


def test_points_stand_in_the_order_of_their_times_and_the_budget_is_named():
    dots, words = _numbers(device_plots.latency("pixel-4", VERDICTS))
    assert len(dots) == 3 and dots[1] < dots[0] < dots[2]
    assert {"tflite/fp32", "21 unsure", "7 pass", "budget 16", "measured", "imported", "estimated"} <= set(words)
    assert "tflite/fp16" not in words


def test_nothing_known_is_no_picture():
    assert device_plots.latency("pixel-6", VERDICTS) is None
    assert device_plots.latency("pixel-4", VERDICTS[3:]) is None


def test_junit_tells_failures_from_doubts():
    root = ET.fromstring(junit.text("fruit", VERDICTS, allow_unsure=False))
    (suite,) = root
    assert suite.attrib == {"name": "pixel-4", "tests": "5", "failures": "1", "errors": "1", "skipped": "1"}
    kinds = {case.get("name"): [child.tag for child in case] for case in suite}
    assert kinds["tflite/fp32 latency_p90_ms"] == ["error"] and kinds["tflite/w8 latency_p90_ms"] == ["failure"]
    assert suite.find(".//failure").get("message") == "<because> & so"
    allowed = ET.fromstring(junit.text("fruit", VERDICTS, allow_unsure=True))[0]
    assert (allowed.get("errors"), allowed.get("skipped")) == ("0", "2")
