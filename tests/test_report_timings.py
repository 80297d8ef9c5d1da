"""The words and the table of `edgetl bench`, from canned figures."""

import io

from rich.console import Console

from edgetl.report import timings

FILE = {
    "file": "here/a.tflite", "threads": 1, "cores": [1], "runtime": "litert", "engine": "ai-edge-litert 2.3.0",
    "size_bytes": 1_234_567, "delivered_bytes": 900_000,
    "p50_ms": {"value": 0.81234, "low": 0.8, "high": 0.83}, "p90_ms": {"value": 12.34, "low": 11.0, "high": 123.4},
    "load_ms": 3.456, "first_inference_ms": 1.2, "cold_start_ms": {"median": 10.2, "max": 42.3},
    "peak_memory_mib": {"median": 18.24, "max": 19.0}, "warnings": [],
}  # fmt: skip
RESULT = {"host": {"cpu": "Some CPU"}, "files": [FILE], "comparisons": [], "failed": []}


def _shown(result, width):
    console = Console(file=io.StringIO(), width=width)
    timings.show(result, console)
    return console.file.getvalue().splitlines()


def test_one_line_a_file():
    first, line = _shown(RESULT, 80)
    assert first == "Some CPU, ai-edge-litert 2.3.0, pinned to core 1; times of this host"
    assert line == (
        "a.tflite ×1: p50 0.812 (0.800–0.830) ms, p90 12.3 (11.0–123); load 3.46, first 1.20, cold start 10.2 (≤ 42.3); "
        "peak 18.2 MiB; 1.23 MB, 0.90 delivered"
    )
    _, top, bottom, row = _shown(RESULT, 140)
    assert top.split()[:2] == ["p50", "p90"]
    assert " ".join(row.split()) == "a.tflite 1 0.812 (0.800–0.830) 12.3 (11.0–123) 3.46 1.20 10.2 (≤ 42.3) 18.2 1.23 0.90"


def test_doubt_failure_and_refusal_stand_below():
    duel = {
        "sentence": "Whether b is faster or slower than a is not resolvable on this host: x.",
        "ratio": 1.01, "low": 0.99, "high": 1.02, "floor": 1.018, "round_ratios": [1.0] * 20, "threads": 2,
    }  # fmt: skip
    bad = {**{key: FILE[key] for key in ("size_bytes", "delivered_bytes")}, "file": "b.onnx", "threads": 1, "error": "no model"}
    doubtful = {**FILE, "warnings": ["too few", "other processes took 50% of the cores' time"], "peak_memory_mib": None}
    lines = _shown({**RESULT, "files": [doubtful, bad], "comparisons": [duel], "failed": ["a.tflite ×1: profile: no"]}, 80)[3:]
    assert lines == [
        duel["sentence"],
        "  ratio 1.010 (0.990–1.020), noise floor 1.8%: a file against itself; 20 rounds, 2 threads",
        "a.tflite ×1: doubtful: too few; other processes took 50% of the cores' time",
        "b.onnx ×1: failed: no model",
        "failed: a.tflite ×1: profile: no",
    ]
    assert timings.rows({"files": [bad]})[0][2:8] == [timings.NOTHING] * 6
