"""From a log to a record: the reading that is meant, of the model at hand, with nothing guessed."""

import dataclasses
from pathlib import Path

import pytest

from edgetl import evidence
from edgetl.content import digest
from edgetl.devices import load_device
from edgetl.errors import InputError, UnknownName
from edgetl.evidence import Artifact, Given
from edgetl.reading import Reading

DATA = Path(__file__).parent / "logs" / "data"


@pytest.fixture
def artifact(tmp_path):
    """A file of a given name and size."""

    def make(name="fruit.tflite", size=3_577_760):
        (tmp_path / name).write_bytes(b"\1" * size)
        return Artifact.of(tmp_path / name)

    return make


def take(name, device, artifact, **given):
    return evidence.record_of(evidence.load(DATA / name), load_device(device), artifact, Given(**given))


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("gpu_2024.txt", "benchmark_model"),
        ("cpu_2021.txt", "benchmark_model"),
        ("cpu_2018.txt", "benchmark_model"),
        ("logcat.txt", "benchmark_model"),
        ("operators.csv", "benchmark_model_csv"),
        ("litert.json", "litert_benchmark"),
        ("perf_test.txt", "onnxruntime_perf_test"),
        ("perf_test_2020.txt", "onnxruntime_perf_test"),
        ("perf_test_result.csv", "onnxruntime_perf_test"),
        ("perf_new.yaml", "ai_hub"),
        ("perf_old.yaml", "ai_hub"),
        ("xcode.json", "xcode"),
        ("table.csv", "table"),
    ],
)
def test_each_log_is_recognised_by_one_reader(name, kind):
    assert evidence.load(DATA / name).kind == kind
    assert evidence.load(DATA / name, kind).readings == evidence.load(DATA / name).readings


def test_the_record_says_what_was_given(artifact):
    found = take("gpu_2024.txt", "pixel-4", artifact())
    assert (found.device, found.artifact, found.format, found.how, found.log) == (
        "pixel-4", "fruit.tflite", "tflite", "imported", "benchmark_model",
    )  # fmt: skip
    assert (found.given, found.reading.accelerator, found.artifact_sha256) == ((), "gpu", artifact().sha256)
    assert found.source_sha256 == digest(DATA / "gpu_2024.txt", "")
    told = take("perf_test.txt", "pixel-4", artifact("fruit.onnx", 9), accelerator="cpu")
    assert (told.given, told.reading.threads, told.reading.accelerator) == (("accelerator",), 2, "cpu")


@pytest.mark.parametrize(
    ("log", "file", "given", "message"),
    [
        ("perf_test.txt", "fruit.onnx", {}, "does not say what ran the model. Give --accelerator"),
        ("cpu_2018.txt", "fruit_quant.tflite", {}, "does not say on how many CPU threads it ran. Give --threads"),
        ("gpu_2024.txt", "fruit.tflite", {"accelerator": "cpu"}, "--accelerator is cpu, but the log states: gpu"),
        ("gpu_2024.txt", "fruit.tflite", {"threads": 4}, "--threads is 4, but the log states: 2. What a log states stays"),
    ],
)
def test_what_the_log_does_not_state_must_be_given_and_no_more(artifact, log, file, given, message):
    with pytest.raises(InputError, match=message):
        take(log, "pixel-4", artifact(file), **given)
    if log == "cpu_2018.txt":
        assert take(log, "pixel-4", artifact(file), threads=1).given == ("threads",)


def test_a_log_of_another_model_is_refused(artifact):
    for name, size, message in (
        ("fruit.tflite", 3_577_700, "it states a file of 3577760 bytes .*, fruit.tflite has 3577700 bytes"),
        ("pear.tflite", 3_577_760, "it names 'fruit.tflite', --artifact is 'pear.tflite'"),
        ("fruit.onnx", 3_577_760, "tflite does not load fruit.onnx"),
    ):
        with pytest.raises(InputError, match=f"was taken of another model: {message}"):
            take("gpu_2024.txt", "pixel-4", artifact(name, size))
    assert take("gpu_2024.txt", "pixel-4", artifact(size=3_577_763)), "six digits: 3 bytes are within the rounding"


def test_a_sha256_settles_it(artifact):
    file = artifact()
    reading = Reading(model="other.tflite", artifact_sha256=file.sha256, runtime="tflite")
    assert evidence.contradiction(reading, file) is None
    other = dataclasses.replace(reading, artifact_sha256="0" * 64, model="fruit.tflite")
    assert "it states sha256 000000000000…" in evidence.contradiction(other, file)


def test_the_device_and_the_model_choose_among_several(artifact):
    file = artifact("fruit_net_w8a8.tflite", 5)
    assert take("perf_new.yaml", "galaxy-s24", file, precision="w8a8").reading.statistics_ms.unstated == 0.31
    with pytest.raises(InputError, match=r"2 readings fit. Say which with .*--precision") as caught:
        take("perf_new.yaml", "galaxy-s24", file)
    assert len(caught.value.faults) == 2
    assert "float" in caught.value.faults[0]
    with pytest.raises(
        InputError, match=r"was not taken on pixel-4 \(Google Pixel 4\), but on: QCS8550 \(Proxy\), Samsung Galaxy S24"
    ):
        take("perf_new.yaml", "pixel-4", file)
    with pytest.raises(InputError, match="another model: it names 'Fruit-Net', --artifact is 'pear.tflite'"):
        take("perf_new.yaml", "galaxy-s24", artifact("pear.tflite", 5))
    assert take("table.csv", "raspberry-pi-4", file, threads=1).reading.statistics_ms.stated == {"p50": 12.5, "p90": 13.9}
    assert take("table.csv", "raspberry-pi-5", file).reading.threads == 4
    assert take("xcode.json", "iphone-14-pro", _package(artifact)).reading.values_ms[0] == pytest.approx(0.48)


def _package(artifact):
    folder = artifact("x.tflite", 1).path.parent / "fruit.mlpackage"
    folder.mkdir()
    (folder / "Manifest.json").write_text("{}")
    found = Artifact.of(folder)
    assert (found.format, found.size_bytes) == ("coreml", 2)
    return found


@pytest.mark.parametrize(
    ("name", "device", "same"),
    [
        ("Samsung Galaxy S24", "galaxy-s24", True),
        ("Galaxy S24", "galaxy-s24", True),
        ("Samsung Galaxy S24 Ultra", "galaxy-s24", False),
        ("Samsung Galaxy S24+", "galaxy-s24", False),
        ("iPhone 14 Pro", "iphone-14-pro", True),
        ("iPhone 14 Pro Max", "iphone-14-pro", False),
        ("iPhone 12", "iphone-12", True),
        ("iPhone 12 Pro", "iphone-12", False),
        ("Pixel 4", "pixel-4", True),
        ("Pixel 40", "pixel-4", False),
        ("QCS9075 (Proxy)", "iq-9075", True),
        ("QCS9075", "iq-9075", False),
        ("", "pixel-4", False),
    ],
)
def test_names_of_devices(name, device, same):
    assert evidence.is_same_device(name, load_device(device)) == same


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b"\xff\xfe", "is not UTF-8 text"),
        (b"hello\n", "is of no kind that is known. Say which with --log: ai_hub, benchmark_model"),
        (b"x" * 16_000_001, "is larger than 16 MB"),
        (b"Running benchmark for \nSession creation time cost: 1 s\n", "could be of benchmark_model or onnxruntime_perf_test"),
    ],
)
def test_what_is_no_log_is_told(tmp_path, content, message):
    (tmp_path / "x.log").write_bytes(content)
    with pytest.raises(InputError, match=message):
        evidence.load(tmp_path / "x.log")


def test_files_that_are_not_there(tmp_path):
    with pytest.raises(InputError, match="no such file"):
        evidence.load(tmp_path / "none.log")
    with pytest.raises(InputError, match="is a folder; give a file. Of a report that Xcode exported, give the report.json"):
        evidence.load(tmp_path)
    with pytest.raises(UnknownName, match="no reader of logs named 'tables'. Did you mean 'table'"):
        evidence.load(DATA / "table.csv", "tables")
    with pytest.raises(InputError, match="--artifact: .*none.tflite: no such file"):
        Artifact.of(tmp_path / "none.tflite")
    (tmp_path / "x.bin").write_text("x")
    with pytest.raises(InputError, match=r"ending in \.mlpackage, \.onnx, \.tflite"):
        Artifact.of(tmp_path / "x.bin")
