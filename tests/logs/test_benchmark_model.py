"""benchmark_model's text: four generations of it, what ran the model, and damage."""

import re

import pytest

from edgetl.errors import InputError
from edgetl.logs import benchmark_model


def test_a_whole_log_on_the_gpu(log):
    (found,) = benchmark_model.read(log("gpu_2024.txt"), "x.txt")
    assert found.statistics_ms.stated == {
        "min": 30.394, "p5": 31.002, "p50": 35.001, "p95": 38.8, "max": 42.335, "mean": 35.1349, "sd": 1.733,
    }  # fmt: skip
    assert (found.count, found.load_ms, found.first_inference_ms) == (50, 842.225, 115.098)
    assert (found.accelerator, found.threads, found.model, found.runtime) == ("gpu", 2, "fruit.tflite", "tflite")
    assert (found.model_bytes, found.peak_memory_mib) == (3_577_760, 93.2383)
    assert 3 <= found.model_bytes_error <= 20, "six digits of 3.6 MB"
    assert found.operators == ()


def test_a_cpu_log_with_its_operators(log):
    (found,) = benchmark_model.read(log("cpu_2021.txt"), "x.txt")
    assert (found.accelerator, found.threads, found.statistics_ms.mean) == ("cpu", 4, 2950.34)
    assert [(o.type, o.name, o.mean_ms, o.times_called) for o in found.operators] == [
        ("CONV_2D", "[net/conv/Relu6]:0", 60.957, 1),
        ("Fully Connected", "[net/logits]:1", 6.095, 2),
    ]
    assert "operators profiled" in found.notes[0]


def test_the_form_of_2018_and_logcat(log):
    (old,) = benchmark_model.read(log("cpu_2018.txt"), "x.txt")
    assert (old.statistics_ms.mean, old.load_ms, old.count, old.accelerator) == (747.733, 21.039, 50, "cpu")
    assert old.threads is None
    (found,) = benchmark_model.read(log("logcat.txt"), "x.txt")
    assert (found.statistics_ms.p95, found.count, found.threads, found.model) == (187.533, 25, 1, "fruit.tflite")


def test_the_closing_line_alone_gives_a_mean():
    line = "INFO: Inference timings in us: Init: 5685, First inference: 18535, Warmup (avg): 14462.3, Inference (avg): 14575.2\n"
    (found,) = benchmark_model.read(line, "x.txt")
    assert found.statistics_ms.stated == {"mean": 14.5752}
    assert (found.accelerator, found.threads, found.count) == (None, None, None), "nothing is guessed"


COMPLETELY = "INFO: Explicitly applied GPU delegate, and the model graph will be completely executed by the delegate.\n"
PARTIALLY = COMPLETELY.replace("GPU", "{}").replace(
    "completely executed by the delegate", "partially executed by the delegate w/ 2 kernels"
)
UNUSED = "INFO: Though GPU delegate is explicitly applied, the model graph will not be executed by the delegate.\n"


def test_what_ran_the_model_is_told_by_the_delegates(log):
    text = log("gpu_2024.txt")
    (part,) = benchmark_model.read(text.replace(COMPLETELY, PARTIALLY.format("GPU")), "x.txt")
    assert (part.accelerator, part.notes) == ("gpu", ("gpu ran part of the model",))
    (both,) = benchmark_model.read(text.replace(COMPLETELY, PARTIALLY.format("GPU") + PARTIALLY.format("NNAPI")), "x.txt")
    assert both.accelerator is None
    also = UNUSED.replace("GPU", "NNAPI")
    assert benchmark_model.read(text.replace(COMPLETELY, COMPLETELY + also), "x.txt")[0].accelerator == "gpu"
    soft = "ERROR: Following operations are not supported by GPU delegate:\nDEQUANTIZE: \n"
    assert benchmark_model.read(text.replace(COMPLETELY, soft + PARTIALLY.format("GPU")), "x.txt")[0].accelerator == "gpu"
    cpu = text.replace(COMPLETELY, PARTIALLY.format("XNNPACK")).replace("INFO: Use gpu: [1]\n", "")
    assert benchmark_model.read(cpu, "x.txt")[0].accelerator == "cpu"


@pytest.mark.parametrize("line", [UNUSED, ""], ids=["declined", "never applied"])
def test_a_run_that_fell_back_to_the_cpu_is_refused(log, line):
    with pytest.raises(InputError, match="gpu was asked for and did not run the model: this is a time of the CPU"):
        benchmark_model.read(log("gpu_2024.txt").replace(COMPLETELY, line), "x.txt")


@pytest.mark.parametrize(
    "line",
    [
        "ERROR: Failed to apply GPU delegate.",
        "ERROR: Benchmarking failed.",
        "Failed to load model /data/local/tmp/fruit.tflite",
        "11-21 10:02:15.2  9001  9001 E tflite  : Failed to allocate tensors!",
    ],
)
def test_a_failed_run_is_told_with_its_line(log, line):
    with pytest.raises(InputError, match=r"x\.txt:8: the run failed: .*Failed|x\.txt:8: the run failed: .*Benchmarking failed"):
        benchmark_model.read(log("gpu_2024.txt").replace("INFO: Loaded model /data/local/tmp/fruit.tflite", line), "x.txt")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("min=30394", "min=39394", r"min: is 39\.394 ms, more than p5"),
        ("std=1733", "std=", r"x\.txt:22: expected 'count=… first="),
        ("avg=35134.9", "avg=45134.9", r"Inference \(avg\) 35\.1349 ms, an earlier line 45\.1349 ms"),
        ("avg=35134.9", "avg=35.13.49", r"x\.txt:22: '35\.13\.49' is not a number"),
        ("Init: 842225", "Init: 9e99999", "is not a number"),
        ("Inference (avg): 35134.9", "Inference (a", r"x\.txt:24: expected 'Inference timings in us"),
        ("count=50", "count=0", r"nothing was run \(count=0\)"),
        ("max=42335", "max=4233500000000000", "max: .* is out of range"),
        ("Num threads: [2]", "Num threads: [4]", r"x\.txt:6: says threads 2, but an earlier line said 4"),
        ("Loaded model /data/local/tmp/fruit", "Loaded model /data/local/tmp/other", r"x\.txt:8: says model .*other"),
    ],
)
def test_damage_and_contradictions_are_told(log, old, new, message):
    text = log("gpu_2024.txt")
    assert old in text
    with pytest.raises(InputError, match=message):
        benchmark_model.read(text.replace(old, new), "x.txt")


def test_no_beginning_of_a_log_is_a_reading(log):
    """Whatever line a log was cut off at, it is refused, or says just what the whole one says of the run."""
    for name in ("gpu_2024.txt", "cpu_2021.txt"):
        lines = log(name).splitlines(keepends=True)
        closing = next(i for i, line in enumerate(lines) if "Inference timings" in line)
        whole = benchmark_model.read(log(name), "x.txt")[0].statistics_ms
        for end in range(len(lines)):
            for text in ("".join(lines[:end]), "".join(lines[: end + 1])[:-9]):
                try:
                    (found,) = benchmark_model.read(text, "x.txt")
                except InputError:
                    continue
                assert end >= closing
                assert found.statistics_ms == whole


def test_two_runs_in_one_text_are_refused(log):
    with pytest.raises(InputError, match=r"x\.txt:\d+: a second run begins"):
        benchmark_model.read(log("gpu_2024.txt") * 2, "x.txt")


def test_long_lines_take_no_time(log):
    benchmark_model.read(log("cpu_2018.txt") + " 1" * 500_000 + "\n" + "tflite " * 100_000, "x.txt")
    middle = log("cpu_2021.txt").replace("\t                 CONV_2D\t", "\t" + "CONV 2 " * 300_000, 1)
    with pytest.raises(InputError, match="row"):
        benchmark_model.read(middle, "x.txt")
    with pytest.raises(InputError, match="more than 100000 lines"):
        benchmark_model.read("x\n" * 100_002, "x.txt")


def test_it_recognises_its_own(log):
    for name in ("gpu_2024.txt", "cpu_2021.txt", "cpu_2018.txt", "logcat.txt"):
        assert benchmark_model.recognises(log(name), name)
    assert not benchmark_model.recognises(log("operators.csv"), "operators.csv")
    assert re.search("2018", benchmark_model.TITLE)
