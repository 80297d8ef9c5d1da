"""Which published rows are taken, and which are left out for what reason."""

import csv

import pytest

from edgetl.estimator.collect import collect, why_not

ROW = {
    "source": "s", "device": "Board", "soc": "x", "year": "2022", "runtime": "tflite", "runtime_version": "2.7.1",
    "accelerator": "cpu", "threads": "4", "precision": "int8", "model": "mobilenet_v2", "alpha": "1.0", "input_size": "224",
    "latency_ms": "9", "notes": "",
}  # fmt: skip


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"device": "Other"}, "no profile"),
        ({"year": "2018"}, "before 2020"),
        ({"precision": "palettized 4 bit"}, "precision"),
        ({"notes": "CAVEAT: fp32 much slower than int8 on this submission"}, "implausible"),
        ({"notes": "abi=armv7; repeats=600"}, "32-bit"),
        ({"soc": "BCM2712 Overclock to 2.9Ghz"}, "overclocked"),
        ({"model": "nobody_knows"}, "layers are not known"),
    ],
)
def test_a_row_is_left_out_for_what_is_said_of_it(changed, words):
    assert why_not(ROW, frozenset({"Board"})) is None
    assert words in why_not({**ROW, **changed}, frozenset({"Board"}))


def test_rows_are_sorted_into_pools_as_they_were(tmp_path):
    lines = [{**ROW, "latency_ms": str(n)} for n in range(1, 31)]
    lines += [{**ROW, "threads": "1"}, {**ROW, "runtime": "ncnn"}]
    with (tmp_path / "all.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, ROW)
        writer.writeheader()
        writer.writerows(lines)
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "gone_cpu.csv").write_text("old")
    taken, left = collect(tmp_path / "all.csv", frozenset({"Board"}), tmp_path / "out")
    assert taken == {"tflite_cpu": 30} and sum(left.values()) == 2
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["tflite_cpu.csv"]
    with (tmp_path / "out" / "tflite_cpu.csv").open(newline="") as file:
        assert list(csv.DictReader(file)) == lines[:30]
