"""Answers from the rows that come with edgetl."""

import csv
import json
from dataclasses import replace

import numpy as np
import pytest

from edgetl import places, registry
from edgetl.errors import InputError
from edgetl.estimator import atlas, fit
from edgetl.estimator.ask import Asker, find_device, network_named, precisions_of
from edgetl.estimator.estimate import Estimator
from edgetl.estimator.one import estimate_one
from edgetl.estimator.rows import Row, Setting
from edgetl.networks._find import members


def _row(device="Raspberry Pi 4", model="mobilenet_v2", alpha=0.5, px=160, **given):
    setting = {
        "device": device,
        "runtime": "tflite",
        "runtime_version": "2.7.1",
        "accelerator": "cpu",
        "threads": 0,
        "precision": "int8",
    }
    return Row(setting=Setting(**{**setting, **given}), model=model, alpha=alpha, input_px=px, latency_ms=0.0)


def test_a_measured_network_is_told_as_it_was_measured():
    rows = [r for r in atlas.shipped_rows("tflite_cpu") if r.setting == _row().setting and not r.noisy]
    asker = Asker()
    answers = [asker.answer(r) for r in rows]
    off = [abs(a.latency_ms / r.latency_ms - 1) for a, r in zip(answers, rows, strict=True)]
    inside = [a.interval[0] <= r.latency_ms <= a.interval[1] for a, r in zip(answers, rows, strict=True)]
    assert len(rows) > 30 and np.median(off) < 0.05 and np.mean(inside) > 0.9
    assert all(a.evidence == "estimated" and not a.outside for a in answers)


def test_more_work_takes_longer_and_more_threads_less():
    asker = Asker()
    grid = [asker.answer(_row(alpha=a, px=p)).latency_ms for a, p in ((0.35, 96), (0.5, 128), (0.75, 160), (1.0, 224))]
    assert grid == sorted(grid)
    known = [
        asker.answer(_row(model="efficientdet_lite0", alpha=None, px=None, runtime_version="2.18.0", threads=n))
        for n in (1, 2, 4)
    ]
    assert known[0].latency_ms > known[1].latency_ms > known[2].latency_ms


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"device": "Nokia 3310"}, "no profile claims the device 'Nokia 3310'"),
        ({"model": "my_own_net"}, "the layers of 'my_own_net' are not known"),
        ({"precision": "w2a2"}, "not as w2a2"),
        ({"runtime": "tengine"}, "nothing was measured with tengine"),
        ({"runtime_version": "1.15"}, "tflite 1.15 is from before 2020"),
        ({"px": 5000}, "Give a whole number from 1 to 4096"),
    ],
)
def test_what_cannot_be_told_says_why(given, words):
    found = Asker().answer(_row(**given))
    assert found.latency_ms is None and found.interval is None and found.evidence is None and words in found.reason


def test_what_lies_outside_says_so_and_is_wider():
    inside = estimate_one("jetson-agx-xavier", backbone="mobilenet_v2", scheme="w8a8_ptq")
    outside = estimate_one("jetson-agx-xavier", backbone="mobilenet_v2", alpha=1.0, input_px=800, scheme="w8a8_ptq")
    assert not inside.outside and any("input" in words for words in outside.outside)
    widths = [e.interval[1] / e.interval[0] for e in (inside, outside)]
    assert widths[1] > widths[0] and "outside calibration" in outside.reason


def test_a_device_nobody_measured_is_told_by_its_cores_with_a_wide_interval():
    found = estimate_one("odroid-n2-plus", backbone="mobilenet_v2", scheme="w8a8_ptq")
    known = estimate_one("raspberry-pi-4", backbone="mobilenet_v2", scheme="w8a8_ptq")
    assert found.outside == ("device",) and "carried over" in found.reason
    assert found.interval[1] / found.interval[0] > 1.8 * known.interval[1] / known.interval[0]
    assert 0.2 < found.latency_ms / known.latency_ms < 2.0


def test_devices_are_found_by_all_their_names():
    for name in ("raspberry-pi-4", "Raspberry Pi 4", "raspberry pi 4 model b", "RASPBERRY PI 4"):
        assert find_device(name)[0].name == "raspberry-pi-4"
    assert find_device("Samsung Galaxy S9+")[0].name == "galaxy-s9-plus" and find_device("Samsung Galaxy S9") is None


def test_every_backbone_of_a_recipe_has_its_network():
    for name in registry.names("backbones"):
        for variant in (None, *registry.load("backbones", name).VARIANTS):
            if name not in ("local", "hub"):
                assert network_named(name, variant) in members(), (name, variant)
    assert network_named("mobilenet_v3") == "mobilenet_v3_small" and network_named("resnet", "resnet50v2") == "resnet50_v2"
    for name, variant, words in (
        ("hub", None, "no network or backbone"),
        ("vgg", "vgg11", "no variant of vgg"),
        ("alexnet", "x", "no variants"),
    ):
        with pytest.raises(InputError, match=words):
            network_named(name, variant)


def test_schemes_are_the_precisions_that_compute_alike():
    assert precisions_of("w8a8_qat", "cpu")[0] == "int8" and precisions_of("w8", "cpu")[0] == "fp32"
    assert precisions_of("fp32", "npu")[0] == "fp16" and precisions_of("w8a8_dynamic", "cpu") == ()


@pytest.mark.parametrize("precision", ["int8", pytest.param("fp32", marks=pytest.mark.slow)])
def test_ten_rows_of_a_board_left_out_tell_the_others(precision, tmp_path):
    """The Raspberry Pi 4 as a board of the user's: its rows leave the pool, ten come back."""
    path = places.shipped("devices") / "measurements" / "tflite_cpu.csv"
    with path.open(newline="") as file:
        lines = [
            line for line in csv.DictReader(file) if line["device"] == "Raspberry Pi 4" and line["runtime_version"] == "2.7.1"
        ]
    lines = [line for line in lines if line["precision"] == precision and line["source"] == "MLPerf Inference v2.1"]
    chosen = np.random.default_rng(0).permutation(len(lines))
    with (tmp_path / "rows.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, lines[0])
        writer.writeheader()
        writer.writerows(lines[index] for index in chosen[:10])
    profile, (one,) = fit.fit(tmp_path / "rows.csv", "my-board", tmp_path, lambda text: None)
    assert one.rows == 10 and profile.name == "my-board.yaml"
    estimator = Estimator(fit.open_own(profile))
    off, inside = [], []
    for line in (lines[index] for index in chosen[10:]):
        from edgetl.devices import load_device
        from edgetl.estimator.ask import precisions_named
        from edgetl.estimator.estimate import Question
        from edgetl.estimator.pool import place_of

        place = place_of(line["model"], float(line["alpha"] or 1), int(line["input_size"]))
        setting = replace(_row(precision=precision).setting)
        question = Question(
            device=load_device(str(profile)), setting=setting, precisions=precisions_named(precision), place=place
        )
        answer = estimator.answer(question)
        off.append(abs(answer.latency_ms / float(line["latency_ms"]) - 1))
        inside.append(answer.interval[0] <= float(line["latency_ms"]) <= answer.interval[1])
    assert np.median(off) <= 0.12 and np.mean(inside) >= 0.8


def test_rows_of_two_devices_or_too_few_make_no_profile(tmp_path):
    header = "device,runtime,runtime_version,accelerator,threads,precision,model,alpha,input_size,latency_ms\n"
    row = "{},tflite,2.7.1,cpu,4,int8,mobilenet_v2,{},{},5\n"
    path = tmp_path / "rows.csv"
    path.write_text(header + row.format("a", 1, 224) + row.format("b", 1, 192))
    with pytest.raises(InputError, match="about 2 devices"):
        fit.fit(path, "mine", tmp_path, lambda text: None)
    path.write_text(header + row.format("a", 1, 224) * 4)
    with pytest.raises(InputError, match="no setting has 5 rows"):
        fit.fit(path, "mine", tmp_path, lambda text: None)
    assert not list(tmp_path.glob("mine*"))


def test_a_batch_is_answered_in_order(edgetl, tmp_path):
    header = "device,runtime,runtime_version,accelerator,threads,precision,model,alpha,input_size\n"
    (tmp_path / "q.csv").write_text(
        header + "Raspberry Pi 4,tflite,2.7.1,cpu,,int8,mobilenet_v2,1.0,224\n,tflite,,cpu,,int8,mobilenet_v2,1.0,224\n"
        "Samsung Galaxy S24,tflite,,npu,,fp16,mobilenet_v2,1.0,224\n"
    )
    done = edgetl("estimate", "--batch", "q.csv", "--json")
    assert done.returncode == 0, done.stderr
    first, second, third = json.loads(done.stdout)
    assert set(first) >= {"latency_ms", "interval", "evidence", "reason"}
    assert first["interval"][0] < first["latency_ms"] < first["interval"][1] and first["evidence"] == "estimated"
    assert second["latency_ms"] is None and "device: is empty" in second["reason"]
    assert 0.1 < third["latency_ms"] < 5.0
