"""perf.yaml of AI Hub Models: both schemas, failed jobs left out, damage told."""

import pytest

from edgetl.errors import InputError
from edgetl.logs import ai_hub


def test_the_schema_since_0_28(log):
    found = ai_hub.read(log("perf_new.yaml"), "perf.yaml")
    assert [(r.device, r.runtime, r.precision, r.statistics_ms.unstated) for r in found] == [
        ("Samsung Galaxy S24", "tflite", "float", 0.594),
        ("QCS8550 (Proxy)", "qnn", "float", 0.941),
        ("Samsung Galaxy S24", "tflite", "w8a8", 0.31),
    ]
    assert (found[0].model, found[0].accelerator) == ("Fruit-Net", "npu")
    assert found[0].runtime_version == "qairt 2.43.0.260127150333_193827; tflite 2.17.0"
    assert "job jaaaaaaa1" in found[0].notes


def test_the_schema_before(log):
    (found,) = ai_hub.read(log("perf_old.yaml"), "perf.yaml")
    assert found.statistics_ms.stated == {"unstated": 1.417}
    assert (found.device, found.runtime, found.precision, found.date) == ("Samsung Galaxy S23", "tflite", "fp16", "2025-03-11")
    assert found.peak_memory_mib == pytest.approx(209.96, abs=0.01)


@pytest.mark.parametrize(
    ("name", "old", "new", "message"),
    [
        (
            "perf_new.yaml",
            "inference_time_milliseconds: 0.594",
            "inference_time_milliseconds: fast",
            "must be a number, not 'fast'",
        ),
        (
            "perf_new.yaml",
            "inference_time_milliseconds: 0.594",
            "inference_time_milliseconds: -0.594",
            "Galaxy S24, tflite: its fig",
        ),
        ("perf_new.yaml", "job_id: jaaaaaaa1", "job: jaaaaaaa1", "'job_id' is missing"),
        ("perf_new.yaml", "precisions:", "precision:", "expected 'precisions' or 'models'"),
        ("perf_new.yaml", "Passed", "Failed", "holds no passed job"),
        ("perf_old.yaml", "    reference_device_info:", "    other:", "'reference_device_info' is missing"),
        ("perf_old.yaml", "2025-03-11T", "11 March 2025", "date: '11 March 2' is not a date like"),
        ("perf_old.yaml", "- name: ResNet", "- name: *x", "aliases|undefined alias|expected"),
    ],
)
def test_damage_is_told(log, name, old, new, message):
    text = log(name).replace("Fruit-Net", "ResNet")
    assert old in text
    with pytest.raises(InputError, match=message):
        ai_hub.read(text.replace(old, new), "perf.yaml")


def test_it_recognises_its_own(log):
    assert all(ai_hub.recognises(log(name), name) for name in ("perf_new.yaml", "perf_old.yaml"))
    assert not ai_hub.recognises("schema: 1\nname: pixel-4\n", "pixel-4.yaml")
