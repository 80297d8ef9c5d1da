"""edgetl's medians beside those of the tools one would use by hand: `python -m benchmarks.clocks [FILE ...]`.

A .tflite file is timed by edgetl and by `litert-benchmark`, which comes with ai-edge-litert; an .onnx file by edgetl and by a
bare loop around `session.run`. Same file, threads, cores and kind of input (random, -1 to 1), each run a fresh process, in turns.
Without files, MobileNetV2 at 224 px and a tiny network are made, with random weights: times do not depend on them.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks import process
from edgetl.stats import bootstrap_interval, percentile
from edgetl.timing import cores, fresh
from edgetl.timing.files import runtime_of
from edgetl.timing.strain import Strain
from edgetl.timing.turns import Runnable

_WARMUP, _RUNS = 50, 200
"""Of the tools; edgetl's warm-up ends by itself, then it times as many."""
_MADE = {"tiny": (0.35, 32), "mobilenet_v2": (1.0, 224)}
"""Name → width and side in pixels of MobileNetV2."""
_BARE = """
import sys, time, numpy, onnxruntime
path, threads, warmup, runs = sys.argv[1], *map(int, sys.argv[2:])
options = onnxruntime.SessionOptions()
options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
draw = numpy.random.default_rng(0)
given = session.get_inputs()[0]
shape = [size if isinstance(size, int) else 1 for size in given.shape]
feed = {given.name: draw.uniform(-1, 1, shape).astype("float32")}
for _ in range(warmup):
    session.run(None, feed)
times = []
for _ in range(runs):
    begun = time.perf_counter()
    session.run(None, feed)
    times.append(1e3 * (time.perf_counter() - begun))
print(numpy.median(times))
"""


def make(folder: str) -> dict[str, Any]:
    """Write the files that are timed when none are given; runs in a child process.

    Args:
        folder: where to.

    Returns:
        `paths`.
    """
    import numpy as np
    import onnx
    import tensorflow as tf
    import tf2onnx
    import tf_keras

    paths = []
    for name, (alpha, px) in _MADE.items():
        tf_keras.utils.set_random_seed(0)
        model = tf_keras.applications.MobileNetV2((px, px, 3), alpha=alpha, weights=None)
        spec = [tf.TensorSpec((1, px, px, 3), tf.float32, name="image")]
        function = tf.function(model, input_signature=spec).get_concrete_function()
        for scheme in ("fp32", "int8"):
            converter = tf.lite.TFLiteConverter.from_concrete_functions([function], model)
            if scheme == "int8":
                converter.optimizations = [tf.lite.Optimize.DEFAULT]
                draw = np.random.default_rng(0)
                images = [draw.uniform(-1, 1, (1, px, px, 3)).astype(np.float32) for _ in range(4)]
                converter.representative_dataset = lambda images=images: ([image] for image in images)
            path = Path(folder) / f"{name}_{scheme}.tflite"
            path.write_bytes(converter.convert())
            paths.append(str(path))
        network, _ = tf2onnx.convert.from_keras(model, input_signature=spec, opset=17)
        onnx.save(network, Path(folder) / f"{name}_fp32.onnx")
        paths.append(str(Path(folder) / f"{name}_fp32.onnx"))
    return {"paths": paths}


def by_hand(path: Path, threads: int, pinned: tuple[int, ...]) -> float:
    """Median in ms that the other tool gives, in a fresh process pinned to the same cores."""

    def pin() -> None:
        if pinned:
            os.sched_setaffinity(0, pinned)

    with tempfile.TemporaryDirectory(prefix="edgetl-") as folder:
        if path.suffix == ".onnx":
            command = [sys.executable, "-c", _BARE, str(path), str(threads), str(_WARMUP), str(_RUNS)]
        else:
            said = Path(folder) / "said.json"
            command = [sys.executable, "-m", "ai_edge_litert.tools.benchmark_litert_model", f"--model={path}"]
            command += [f"--num_threads={threads}", f"--num_runs={_RUNS}", f"--warmup_runs={_WARMUP}", f"--result_json={said}"]
        done = subprocess.run(command, capture_output=True, text=True, check=False, preexec_fn=pin, timeout=600)  # noqa: PLW1509
        if done.returncode:
            raise SystemExit(f"{' '.join(command[:4])} failed:\n{done.stderr[-2000:]}")
        return float(done.stdout) if path.suffix == ".onnx" else float(json.loads(said.read_text())["latency"]["median_ms"])


def compare(path: Path, threads: int, repeats: int) -> dict[str, Any]:
    """Time one file both ways, in turns, the order changing each time.

    Args:
        path: the file.
        threads: CPU threads.
        repeats: how often each way.

    Returns:
        `ours_ms`, `theirs_ms` (a median each repeat), `ratio` (median of ours over theirs), `low`, `high` (95 %, bootstrap over
        repeats), `disturbed` (reasons).
    """
    pinned, strain = cores.choose(threads), Strain()
    chosen = Runnable(path=path, runtime=runtime_of(path))
    ours: list[float] = []
    theirs: list[float] = []

    def own() -> None:
        nonlocal strain
        life = fresh.live(chosen, threads=threads, cores=pinned, seconds=_RUNS)
        ours.append(percentile(life.values_ms[:_RUNS], 50.0))
        strain += life.strain

    ways: list[Callable[[], None]] = [own, lambda: theirs.append(by_hand(path, threads, pinned))]
    for number in range(repeats):
        for way in ways if number % 2 == 0 else reversed(ways):
            way()
    ratios = [a / b for a, b in zip(ours, theirs, strict=True)]
    low, high = bootstrap_interval(ratios, lambda drawn: percentile(drawn, 50.0), 0)
    return {
        "file": path.name,
        "threads": threads,
        "ours_ms": ours,
        "theirs_ms": theirs,
        "ratio": percentile(ratios, 50.0),
        "low": low,
        "high": high,
        "disturbed": list(strain.reasons()),
    }


def text(rows: list[dict[str, Any]]) -> str:
    """The Markdown table.

    Args:
        rows: of `compare`.

    Returns:
        One line a file and thread count.
    """
    lines = ["| file | threads | beside | edgetl p50 ms | the other's | ratio (95 % interval) | disturbed |", f"|{'---|' * 7}"]
    for row in rows:
        other = "bare loop" if row["file"].endswith(".onnx") else "`litert-benchmark`"
        middles = [f"{percentile(row[key], 50.0):.3f}" for key in ("ours_ms", "theirs_ms")]
        ratio = f"{row['ratio']:.3f} ({row['low']:.3f}–{row['high']:.3f})"
        doubt = "; ".join(row["disturbed"]) or "no"
        lines.append(f"| `{row['file']}` | {row['threads']} | {other} | {' | '.join(middles)} | {ratio} | {doubt} |")
    return "\n".join(lines)


def main() -> None:
    """Parse the command line, measure, print."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.clocks", description=__doc__.partition("\n")[0] if __doc__ else ""
    )
    parser.add_argument("files", nargs="*", type=Path)
    parser.add_argument("--threads", default="1", help="with commas")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--json", type=Path, help="write all values there")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="edgetl-") as folder:
        files = options.files
        if not files:
            print("making files", file=sys.stderr)
            outcome = process.run("benchmarks.clocks:make", {"folder": folder}, Path(folder) / "make")
            if outcome.answer is None:
                raise SystemExit(f"the files could not be made: {outcome.why}")
            files = [Path(path) for path in outcome.answer["paths"]]
        rows = []
        for threads in map(int, options.threads.split(",")):
            for path in files:
                print(f"{path.name}, {threads} threads", file=sys.stderr)
                rows.append(compare(path, threads, options.repeats))
    if options.json:
        options.json.write_text(json.dumps({"schema": 1, "rows": rows}, indent=1), encoding="utf-8")
    print(text(rows))


if __name__ == "__main__":
    main()
