"""Benchmark: time one artifact on this host, each thread count in a fresh process of its own, pinned to as many cores.

What is timed is one inference with its input already in place (`Session.invoke`); decoding and normalising are not in it. The
times that count begin when they are steady (`edgetl.timing.steady`); what came before is kept as warm-up.
"""

from __future__ import annotations

import math
import sys
from typing import Any

from edgetl import registry
from edgetl.recipe import Recipe
from edgetl.stages._base import Emit, Job, artifact_in
from edgetl.stages._host import host_fingerprint
from edgetl.types import Measurement, flatten, to_json

VERSION = 2
RESUMABLE = False
_WARM_UP_S = 2.0
"""Longest warm-up of each artifact and thread count (our choice: a recipe has many)."""


def decides(recipe: Recipe, target: str) -> dict[str, Any]:
    """See `StageModule.decides`."""
    return {**flatten(recipe.benchmark, "benchmark"), **{f"host.{k}": v for k, v in host_fingerprint().items()}}


def packages(recipe: Recipe, target: str) -> tuple[str, ...]:
    """See `StageModule.packages`."""
    modules = [registry.load("runtimes", n) for n in registry.names("runtimes")]
    timed = [m for m in modules if target.partition("/")[0] in m.FORMATS and not m.REFERENCE]
    return tuple(package for module in timed for package in module.PACKAGES)


def thread_counts(recipe: Recipe) -> tuple[int, ...]:
    """Thread counts to time: the recipe's, else one and all cores of this process."""
    return recipe.benchmark.threads or tuple(sorted({1, int(host_fingerprint()["cores"])}))


def run(job: Job, emit: Emit) -> dict[str, Any]:
    """Time one runtime at one thread count (`extra`: runtime, threads); the pipeline calls it once for each."""
    import os
    import time

    import numpy as np
    import psutil

    from edgetl.preprocess import load_index, load_split
    from edgetl.timing import cores
    from edgetl.timing.steady import warm_up

    name, threads = str(job.extra["runtime"]), int(job.extra["threads"])
    runtime = registry.load("runtimes", name)
    artifact = artifact_in(job.folder("convert"))
    pixels, _ = load_split(job.folder("prepare"), "test")
    image = np.array(pixels[0])
    class_names = tuple(load_index(job.folder("prepare"))["class_names"])
    path = job.folder("convert") / artifact.path
    environment = {**host_fingerprint(), "runtime": name, "threads": str(threads)}
    pinned = cores.choose(threads) if threads <= max(1, len(cores.allowed())) else ()
    if pinned:
        os.sched_setaffinity(0, pinned)
    environment["pinned"] = ",".join(map(str, pinned)) or "no"
    runtime.load_engine()
    process = psutil.Process()
    _reset_peak()
    before = process.memory_info().rss
    start = time.perf_counter_ns()
    session = runtime.open(path, threads, job.recipe.preprocess, class_names)
    load_ms = (time.perf_counter_ns() - start) / 1e6
    session.set_input(image)

    def timed(count: int, seconds: float) -> tuple[float, ...]:
        values: list[float] = []
        end = time.monotonic() + seconds
        while len(values) < count and (not values or time.monotonic() < end):
            begin = time.perf_counter_ns()
            session.invoke()
            values.append((time.perf_counter_ns() - begin) / 1e6)
        return tuple(values)

    first = timed(1, math.inf)
    warm = warm_up(timed, least=job.recipe.benchmark.warmup, limit_s=_WARM_UP_S)
    values = timed(job.recipe.benchmark.runs, math.inf)
    environment["steady"] = "yes" if warm.settled else "no"
    latency = Measurement(
        name="latency_ms", values=values, warmup_values=first + warm.values, evidence="host", environment=environment
    )
    memory = Measurement(
        name="peak_memory_mib",
        values=((_peak_bytes() - before) / 2**20,),
        evidence="host",
        environment=environment,
    )
    session.close()
    return {
        "runtime": name,
        "threads": threads,
        "load_ms": load_ms,
        "first_inference_ms": first[0],
        "latency": to_json(latency),
        "peak_memory": to_json(memory),
    }


def _reset_peak() -> None:
    """Start the process's peak of resident memory anew, where the system can (Linux: proc(5), clear_refs)."""
    try:
        with open("/proc/self/clear_refs", "w", encoding="ascii") as file:
            file.write("5")
    except OSError:
        return


def _peak_bytes() -> int:
    """Peak resident memory of this process, in bytes."""
    try:
        with open("/proc/self/status", encoding="ascii") as file:
            return next(int(line.split()[1]) * 1024 for line in file if line.startswith("VmHWM"))
    except OSError:
        import resource

        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # bytes on macOS, KiB elsewhere (getrusage(2))
        return peak if sys.platform == "darwin" else peak * 1024
