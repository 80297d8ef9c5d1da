"""litert-benchmark's JSON: one that it wrote, and one that it writes now."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from edgetl.errors import InputError
from edgetl.logs import litert_benchmark


def test_a_file_that_it_wrote(log):
    (found,) = litert_benchmark.read(log("litert.json"), "x.json")
    assert found.statistics_ms.stated == {
        "min": 1.26,
        "p5": 1.27,
        "p50": 1.33,
        "p95": 1.45,
        "max": 1.45,
        "mean": 1.33,
        "sd": 0.06,
    }
    assert (found.count, found.load_ms, found.first_inference_ms) == (20, 4.35, 1.67)
    assert (found.threads, found.accelerator, found.model) == (1, "cpu", "mobilenet_v1_0.25_224_quant.tflite")
    assert abs(found.model_bytes - 508_786) <= found.model_bytes_error, "the file's real size is within the rounding"


def test_a_file_that_it_writes_now(material, tmp_path):
    model = next(material.rglob("mobilenet_v1_0.25_224_quant.tflite"))
    tool = Path(sys.executable).with_name("litert-benchmark")
    command = [
        tool,
        f"--model={model}",
        "--num_runs=12",
        "--warmup_runs=2",
        "--num_threads=2",
        f"--result_json={tmp_path}/r.json",
    ]
    subprocess.run(command, check=True, capture_output=True, timeout=60)
    text = (tmp_path / "r.json").read_text()
    assert litert_benchmark.recognises(text, "r.json")
    (found,) = litert_benchmark.read(text, "r.json")
    assert (found.count, found.threads, found.accelerator, found.model) == (12, 2, "cpu", model.name)
    assert abs(found.model_bytes - model.stat().st_size) <= found.model_bytes_error


def _changed(text, **changes):
    value = json.loads(text)
    for key, new in changes.items():
        (value["latency"] if key in value["latency"] else value)[key] = new
    return json.dumps(value)


def test_what_ran_the_model_must_be_certain(log):
    text = log("litert.json")
    whole = _changed(text, accelerators=["GPU", "CPU"], fully_accelerated=True)
    assert litert_benchmark.read(whole, "x.json")[0].accelerator == "gpu"
    either = _changed(text, accelerators=["NPU", "GPU"], fully_accelerated=True)
    assert litert_benchmark.read(either, "x.json")[0].accelerator is None
    with pytest.raises(InputError, match=r"npu, cpu were allowed .* may be a time of the CPU.*--require_full_delegation"):
        litert_benchmark.read(_changed(text, accelerators=["NPU", "CPU"]), "x.json")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"median_ms": 1.5}, r"p50: is 1\.5 ms, more than p95"),
        ({"avg_ms": 0.0}, "mean: 0.0 is out of range"),
        ({"std_ms": 3.0}, "sd: is 3 ms, but min and max are only 0.19 ms apart"),
        ({"num_runs": 20.5}, "latency.num_runs: must be a whole number"),
        ({"num_threads": "1"}, "num_threads: must be a whole number"),
        ({"fully_accelerated": "no"}, "must be true or false"),
        ({"max_ms": None}, "latency.max_ms: must be a number"),
    ],
)
def test_wrong_figures_are_told(log, changes, message):
    with pytest.raises(InputError, match=message):
        litert_benchmark.read(_changed(log("litert.json"), **changes), "x.json")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "x.json:1: is not whole JSON"),
        ("[]", "must be a JSON object"),
        ('{"latency": {}}', "'accelerators' is missing"),
        ('{"a": 1, "a": 2}', "a key is given twice"),
        ('{"a": NaN}', "NaN is not a number that JSON knows"),
        ('{"a":' + "[" * 100_000, "nested too deep|not whole JSON"),
    ],
)
def test_damage_is_told(text, message):
    with pytest.raises(InputError, match=message):
        litert_benchmark.read(text, "x.json")


def test_no_beginning_of_it_is_a_reading(log):
    text = log("litert.json").rstrip()
    for end in range(0, len(text), 7):
        with pytest.raises(InputError):
            litert_benchmark.read(text[:end], "x.json")
