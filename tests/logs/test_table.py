"""A table of timings: rows that differ in their statistic alone are one reading."""

import pytest

from edgetl.errors import InputError
from edgetl.logs import table


def test_rows_become_readings(log):
    found = table.read(log("table.csv"), "x.csv")
    assert [(r.device, r.threads, r.statistics_ms.stated) for r in found] == [
        ("Raspberry Pi 4 Model B", 1, {"p50": 12.5, "p90": 13.9}),
        ("Raspberry Pi 4 Model B", 4, {"mean": 4.4}),
        ("Raspberry Pi 5", 4, {"unstated": 1.9}),
    ]
    assert found[1].notes == ("alpha 0.35", "input_size 96", "with a fan, 25 C")
    assert (found[0].model, found[0].precision, found[0].date) == ("fruit_net", "int8", "2026-01-31")


def test_three_columns_are_enough():
    (found,) = table.read("device,runtime,latency_ms\nPixel 4,TFLite,7.5\n", "x.csv")
    assert (found.runtime, found.accelerator, found.statistics_ms.unstated) == ("tflite", None, 7.5)


HEAD = "device,runtime,latency_ms,statistic,threads\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("device,runtime\nx,y\n", "x.csv:1: column 'latency_ms' is missing"),
        ("device,runtime,latency_ms,latncy\n", "unknown column 'latncy'"),
        ("device,device,runtime,latency_ms\n", "column 'device' is given twice"),
        (HEAD, "has no rows"),
        (HEAD + "x,tflite,1.0,p50\n", "x.csv:2: expected 5 cells, found 4"),
        (HEAD + "x,tflite,,p50,1\n", "x.csv:2: 'latency_ms' is empty"),
        (HEAD + "x,tflite,fast,p50,1\n", "x.csv:2: 'fast' is not a number"),
        (HEAD + "x,tflite,inf,p50,1\n", "x.csv:2: 'inf' is not a number"),
        (HEAD + "x,tflite,-1,p50,1\n", "p50: -1.0 is out of range"),
        (HEAD + "x,tflite,1,p51,1\n", "statistic: 'p51' is not known. Did you mean 'p5"),
        (HEAD + "x,tflite,1,p50,one\n", "threads: must be a whole number"),
        (HEAD + "x,tflite,1,p50,1\nx,tflite,2,p50,1\n", "x.csv:3: states the same as an earlier row, x.csv:2"),
        (HEAD + "x,tflite,2,p50,1\nx,tflite,1,p90,1\n", "p50: is 2 ms, more than p90"),
        (HEAD + 'x,tflite,1,"p50,1\n', "is not CSV"),
    ],
)
def test_what_is_wrong_is_told(text, message):
    with pytest.raises(InputError, match=message):
        table.read(text, "x.csv")


def test_it_recognises_its_own(log):
    assert table.recognises(log("table.csv"), "x.csv")
    assert not table.recognises(log("perf_test_result.csv"), "x.csv")
