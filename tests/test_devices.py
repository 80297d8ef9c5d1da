"""Device profiles: what a good file gives, and what each broken one is told."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from edgetl import devices, places, registry
from edgetl.errors import DeviceProfileError, UnknownName
from edgetl.types import from_json, to_json

GOOD = """\
schema: 1
name: toy
title: Toy Phone
measured_as: [Toy, Toy Phone (2020)]
os: {family: android, released: "14", source: maker's page}
soc: {name: Chip 1, source: maker's page}
cpu:
  clusters: [{cores: 2, core: Big, max_ghz: 3}, {cores: 4, core: Small}]
  source: maker's page
isa: {features: [dotprod], source: Arm}
formats:
  - {format: tflite, runtime: LiteRT, source: LiteRT's page}
  - {format: onnx, runtime: ONNX Runtime, min_os: "7", source: its page}
threads: 2
budget: {latency_p90_ms: 33, size_mb: 16, reason: 30 frames a second}
"""


@pytest.fixture(autouse=True)
def three_formats(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "names", lambda kind: {"converters": ("coreml", "onnx", "tflite")}[kind])


def load(folder: Path, text: str, name: str = "toy.yaml") -> devices.DeviceProfile:
    (folder / name).write_text(text, encoding="utf-8")
    return devices.load_device(str(folder / name))


def test_a_profile_is_read_whole(tmp_path: Path) -> None:
    profile = load(tmp_path, GOOD)
    assert (profile.name, profile.title, profile.threads) == ("toy", "Toy Phone", 2)
    assert profile.measured_as == ("Toy", "Toy Phone (2020)")
    assert profile.format_names == ("tflite", "onnx")
    assert profile.cpu is not None
    assert (profile.cpu.cores, profile.cpu.clusters[0].max_ghz, profile.cpu.clusters[1].max_ghz) == (6, 3.0, None)
    assert profile.budget == devices.Budget(latency_p90_ms=33.0, size_mb=16.0, reason="30 frames a second")
    assert profile.memory is None
    assert profile.accelerators == ()


def test_a_profile_survives_json(tmp_path: Path) -> None:
    profile = load(tmp_path, GOOD)
    assert from_json(devices.DeviceProfile, to_json(profile)) == profile


def test_the_short_suffix_is_a_path_too(tmp_path: Path) -> None:
    assert load(tmp_path, GOOD, "toy.yml").name == "toy"


@pytest.mark.parametrize(
    ("old", "new", "line", "message"),
    [
        ("schema: 1", "schema: 2", 1, "schema: a whole number 2 is not allowed."),
        ("name: toy", "name: toi", 2, "name: is 'toi', but the file is named 'toy.yaml'; make them equal."),
        ("name: toy", "name: Toy Phone", 2, "name: 'Toy Phone' is not a name of lower-case letters"),
        ("title: Toy Phone\n", "", 1, ": key 'title' is missing."),
        ("family: android", "family: andorid", 5, "os.family: text 'andorid' is not allowed. Did you mean 'android'?"),
        ("Toy, Toy", '" ", Toy', 4, "measured_as[0]: ' ' is not a text that says something."),
        ('released: "14"', "released: 14", 5, "os.released: must be text, not a whole number 14."),
        (", source: maker's page}\nsoc", "}\nsoc", 5, "os: key 'source' is missing."),
        ("source: Arm", 'source: " "', 10, "isa.source: ' ' is not a source: name the document that states it."),
        ("cores: 2", "cores: 0", 8, "cpu.clusters[0].cores: 0 is out of range: must be at least 1."),
        ("max_ghz: 3", "max_ghz: 3000", 8, "cpu.clusters[0].max_ghz: 3000.0 is out of range: must be at most 10.0."),
        ("[dotprod]", "[dotprot]", 10, "isa.features[0]: text 'dotprot' is not allowed. Did you mean 'dotprod'?"),
        ("format: tflite", "format: tflit", 12, "formats[0].format: no format named 'tflit'. Did you mean 'tflite'?"),
        ("format: onnx", "format: tflite", 13, "formats[1].format: 'tflite' is given twice."),
        ("threads: 2", "threads: 7", 14, "threads: 7 threads on 6 cores; give at most one each."),
        ("threads: 2", "threads: two", 14, "threads: must be a whole number, not text 'two'."),
        ("size_mb: 16", "size_mb: 0", 15, "budget.size_mb: 0.0 is out of range: must be above 0.0."),
        ("latency_p90_ms: 33", "latency_ms: 33", 15, "budget.latency_ms: unknown key. Did you mean 'latency_p90_ms'?"),
        (
            ", reason: 30 frames a second",
            "",
            15,
            "budget.reason: is missing: say why latency_p90_ms, size_mb should be just so.",
        ),
        ("threads: 2", "threads: 2\nthreads: 3", 15, "threads: given twice."),
    ],
)
def test_a_broken_profile_is_told_where_and_what(tmp_path: Path, old: str, new: str, line: int, message: str) -> None:
    assert GOOD.count(old) >= 1
    with pytest.raises(DeviceProfileError) as caught:
        load(tmp_path, GOOD.replace(old, new, 1))
    (fault,) = caught.value.faults
    assert fault.startswith(f"{tmp_path / 'toy.yaml'}:{line}: "), fault
    assert message in fault


def test_a_mistyped_key_is_told_as_unknown_and_as_missing(tmp_path: Path) -> None:
    with pytest.raises(DeviceProfileError) as caught:
        load(tmp_path, GOOD.replace("threads: 2", "thread: 2"))
    unknown, missing = caught.value.faults
    assert ":14: thread: unknown key. Did you mean 'threads'?" in unknown
    assert "key 'threads' is missing." in missing


def test_all_faults_come_at_once(tmp_path: Path) -> None:
    broken = GOOD.replace("threads: 2", "threads: 0").replace("format: onnx", "format: onxx").replace("toy", "joy", 1)
    with pytest.raises(DeviceProfileError) as caught:
        load(tmp_path, broken)
    assert [fault.split(": ")[1] for fault in caught.value.faults] == ["formats[1].format", "threads", "name"]
    assert "3 fault(s). Nothing was run." in str(caught.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is empty."),
        ("schema: [", ":2: not valid YAML"),
        ("- a list", "must be a mapping of keys, not a list"),
        ("formats: []", "formats: needs at least 1 item(s), has 0."),
    ],
)
def test_what_is_no_profile_at_all_is_told_so(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(DeviceProfileError, match=".") as caught:
        load(tmp_path, text)
    assert message in str(caught.value)


@pytest.mark.parametrize("family", ["android", "ios", "linux", "macos", "windows"])
def test_each_family_of_systems_can_be_named(tmp_path: Path, family: str) -> None:
    assert load(tmp_path, GOOD.replace("android", family)).os.family == family


def test_a_missing_file_is_told_so_with_the_place_that_named_it(tmp_path: Path) -> None:
    path = tmp_path / "none.yaml"
    with pytest.raises(DeviceProfileError) as caught:
        devices.load_device(str(path), "recipe.yaml:3: devices[0]")
    assert str(caught.value) == f"recipe.yaml:3: devices[0]: {path}: no such file."


@pytest.mark.parametrize(
    ("name", "answer"), [("pixel4", "Did you mean 'pixel-4'?"), ("../recipes/x", "Known: "), ("", "Known: ")]
)
def test_an_unknown_name_is_told_the_nearest(name: str, answer: str) -> None:
    with pytest.raises(UnknownName) as caught:
        devices.load_device(name, "--device")
    assert str(caught.value).startswith(f"--device: no device named '{name}'.")
    assert answer in str(caught.value)


def test_names_come_from_the_folder_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "b.yaml").write_text("not: [a profile", encoding="utf-8")
    (tmp_path / "a.yaml").write_text("", encoding="utf-8")
    (tmp_path / "notes.txt").write_text("", encoding="utf-8")
    monkeypatch.setattr(places, "shipped", lambda kind: tmp_path)
    assert devices.device_names() == ("a", "b")


def test_importing_devices_loads_no_heavy_package() -> None:
    code = "import sys; sys.modules['numpy'] = None; import edgetl.devices; assert 'yaml' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(devices.__file__).parents[1])
