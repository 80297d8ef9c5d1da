"""onnxruntime_perf_test: what it prints now and in 2020, and its result file."""

import pytest

from edgetl.errors import InputError
from edgetl.logs import onnxruntime_perf_test as perf_test


def test_what_it_prints(log):
    (found,) = perf_test.read(log("perf_test.txt"), "x.txt")
    assert found.statistics_ms.mean == pytest.approx(5.88053)
    assert found.statistics_ms.p90 == pytest.approx(5.99845)
    assert found.statistics_ms.p999 == found.statistics_ms.max == pytest.approx(6.23472)
    assert (found.count, found.threads, found.first_inference_ms, found.load_ms) == (1000, 2, 12, 51.2)
    assert found.peak_memory_mib == pytest.approx(150.84, abs=0.01)
    assert (found.runtime, found.accelerator, found.model) == ("onnxruntime", None, None)


def test_what_it_printed_in_2020(log):
    (found,) = perf_test.read(log("perf_test_2020.txt"), "x.txt")
    assert (found.statistics_ms.mean, found.count, found.load_ms) == (734.606, 1, pytest.approx(1841.49))
    old = "Total time cost:58.8053\nTotal iterations:1000\nAverage time cost:58.8053 ms\nP50 Latency is 0.0587108sec\n"
    assert perf_test.read(old, "x.txt")[0].statistics_ms.p50 == pytest.approx(58.7108)


def test_its_result_file_keeps_every_value(log):
    (found,) = perf_test.read(log("perf_test_result.csv"), "x.csv")
    assert found.values_ms == pytest.approx((4.1, 4.3, 4.2, 4.7))
    assert (found.count, found.statistics_ms.min) == (4, pytest.approx(4.1))


@pytest.mark.parametrize(
    ("name", "old", "new", "message"),
    [
        ("perf_test.txt", "P50 Latency: 0.00587108 s", "P50 Latency: 0.0", r"x\.txt:13: expected a figure with its unit"),
        ("perf_test.txt", "P50 Latency: 0.00587108", "P50 Latency: 0.00687108", "p50: is 6.87108 ms, more than p90"),
        ("perf_test.txt", "requests: 1000", "requests: 900", "900 requests of 5.88053 ms do not take 5.88053 s"),
        ("perf_test.txt", "run time: 5.88102 s", "run time: 1.48102 s", "requests ran in parallel"),
        ("perf_test.txt", "Setting intra", "[E:onnxruntime:, sequential_executor.cc] Setting intra", r"x\.txt:1: the run failed"),
        ("perf_test_result.csv", ",98,2", ",98,0", r"x\.txt:3: expected run 2, found 0.*appended several runs"),
        ("perf_test_result.csv", "fruit,0.0042", "other,0.0042", "says folder other, but an earlier line said fruit"),
        ("perf_test_result.csv", "0.0042", "-0.0042", r"values_ms\[2\]: -4\.2 is out of range"),
        ("perf_test_result.csv", "Max Latency: 0.0047", "Max Latency: 0.0057", "max: is 5.7 ms, which the 4 values contradict"),
    ],
)
def test_damage_and_contradictions_are_told(log, name, old, new, message):
    text = log(name)
    assert old in text
    with pytest.raises(InputError, match=message):
        perf_test.read(text.replace(old, new), "x.txt")


def test_a_log_that_ends_before_the_figures_is_refused(log):
    with pytest.raises(InputError, match="ends before 'Average inference time cost"):
        perf_test.read(log("perf_test.txt").split("Total inference requests")[0], "x.txt")
    with pytest.raises(InputError, match="inputs of several shapes"):
        perf_test.read(log("perf_test.txt") + "\nLatency per shape group:\n", "x.txt")


def test_it_recognises_its_own(log):
    assert all(perf_test.recognises(log(n), n) for n in ("perf_test.txt", "perf_test_2020.txt", "perf_test_result.csv"))
    assert not any(perf_test.recognises(log(n), n) for n in ("gpu_2024.txt", "table.csv", "operators.csv", "litert.json"))
