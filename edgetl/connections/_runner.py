"""The runner: loads one artifact in a process of its own and times it when told to. Copied to devices as this one file.

Input: lines of JSON on standard input, the first the job, then commands. Output: one line of JSON for each on standard output,
`{"error": …}` where it failed. It needs Python 3.9, numpy and the runtime, nothing of edgetl, so that the same code measures
on this host, over ssh, under emulation and in Termux.

    job      {"model": path, "runtime": "litert" | "onnxruntime" | "coreml", "threads": n, "cpus": [n, …] | null, "seed": n,
              "profiler": path of `_profiler.py` there, where operators are to be profiled,
              "core_ml": path of `_core_ml.py` there, and "units": "all" | "cpu_only" | "cpu_and_ne" | "cpu_and_gpu", for Core ML}
             → facts: versions, import_ms, load_ms, first_inference_ms, cpu, cores, pid, inputs, and what the runtime adds
    time     {"do": "time", "count": n, "seconds": s}  → {"values_ns": […]}: at most n inferences, stops after s seconds
    outputs  {"do": "outputs", "inputs": [path.npy], "first": i}
             → {"outputs": [{"shape", "dtype", "base64"}]} of row i of each input, in the model's own types
    memory   {"do": "memory"}  → {"peak_mib", "before_mib"}: resident memory, peak since start, and before the model was loaded
    counters {"do": "counters"}  → {"cpu_s", "involuntary", "waited_s"}: since the process began, all threads: CPU time, times
             that it was put aside for another process, and time that it waited for a core (null where the system does not say)
    profile  {"do": "profile", "count": n}  → {"operators": [{"name", "type", "us": […]}]}; with a `profiler` only
    close    {"do": "close"}   → the process ends

What is timed is one inference with its input in place.
"""

from __future__ import annotations

import base64
import json
import os
import platform
import sys
import time
from typing import Any

PROTOCOL = 1


class _LiteRT:
    """A .tflite file in the LiteRT interpreter, CPU with XNNPACK."""

    def __init__(self, path: str, threads: int) -> None:
        import ai_edge_litert
        from ai_edge_litert.interpreter import Interpreter

        self.engine = "ai-edge-litert " + ai_edge_litert.__version__
        self._path, self._threads, self._open = path, threads, Interpreter

    def load(self) -> None:
        self._interpreter = self._open(self._path, num_threads=self._threads)
        self._interpreter.allocate_tensors()
        self.invoke = self._interpreter.invoke

    def inputs(self) -> list[dict[str, Any]]:
        return [self._spec(given) for given in self._interpreter.get_input_details()]

    def set_inputs(self, values: list[Any]) -> None:
        for given, value in zip(self._interpreter.get_input_details(), values):  # noqa: B905 - Python 3.9
            self._interpreter.set_tensor(given["index"], value)

    def outputs(self) -> list[Any]:
        self._interpreter.invoke()
        return [self._interpreter.get_tensor(given["index"]) for given in self._interpreter.get_output_details()]

    @staticmethod
    def _spec(given: Any) -> dict[str, Any]:
        shape = [int(size) if size > 0 else 1 for size in given["shape"]]
        return {"name": given["name"], "shape": shape, "dtype": given["dtype"].__name__}


class _OnnxRuntime:
    """An .onnx file in onnxruntime's CPU execution provider."""

    def __init__(self, path: str, threads: int) -> None:
        import onnxruntime

        self.engine = "onnxruntime " + onnxruntime.__version__
        self._path, self._threads = path, threads

    def load(self) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = self._threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        self._session = onnxruntime.InferenceSession(self._path, options, providers=["CPUExecutionProvider"])
        self._feed: dict[str, Any] = {}

    def invoke(self) -> Any:
        return self._session.run(None, self._feed)

    def inputs(self) -> list[dict[str, Any]]:
        types = {"tensor(float)": "float32", "tensor(uint8)": "uint8", "tensor(int8)": "int8", "tensor(float16)": "float16"}
        found = []
        for given in self._session.get_inputs():
            shape = [size if isinstance(size, int) and size > 0 else 1 for size in given.shape]
            found.append({"name": given.name, "shape": shape, "dtype": types.get(given.type, given.type)})
        return found

    def set_inputs(self, values: list[Any]) -> None:
        self._feed = {given.name: value for given, value in zip(self._session.get_inputs(), values)}  # noqa: B905

    def outputs(self) -> list[Any]:
        return list(self._session.run(None, self._feed))


RUNTIMES: dict[str, Any] = {"litert": _LiteRT, "onnxruntime": _OnnxRuntime}


def serve(job: dict[str, Any], lines: Any, answer: Any) -> None:
    """Load the job's model, say so, then do what each line says.

    Args:
        job: see the module.
        lines: iterable of commands, JSON text each.
        answer: called with each answer, a dict.
    """
    import numpy as np

    if job.get("cpus"):
        os.sched_setaffinity(0, job["cpus"])
    begin = time.perf_counter_ns()
    units = {"units": job["units"]} if "units" in job else {}
    named = job.get("profiler") or job.get("core_ml")
    runtimes = _runtimes_of(named) if named else RUNTIMES
    model = runtimes[job["runtime"]](job["model"], int(job["threads"]), **units)
    import_ms = (time.perf_counter_ns() - begin) / 1e6
    _reset_peak()
    before = _memory("VmRSS")
    begin = time.perf_counter_ns()
    model.load()
    load_ms = (time.perf_counter_ns() - begin) / 1e6
    specs = model.inputs()
    draw = np.random.default_rng(int(job.get("seed", 0)))
    model.set_inputs([_random(draw, spec) for spec in specs])
    begin = time.perf_counter_ns()
    model.invoke()
    first_ms = (time.perf_counter_ns() - begin) / 1e6
    answer(
        {
            "protocol": PROTOCOL,
            "engine": model.engine,
            "import_ms": import_ms,
            "load_ms": load_ms,
            "first_inference_ms": first_ms,
            "inputs": specs,
            "pid": os.getpid(),
            **(model.facts() if hasattr(model, "facts") else {}),
            **_host(),
        }
    )
    for line in lines:
        command = json.loads(line)
        do = command["do"]
        if do == "time":
            answer({"values_ns": _timed(model.invoke, int(command["count"]), float(command["seconds"]))})
        elif do == "outputs":
            model.set_inputs([_row(path, command["first"], spec) for path, spec in zip(command["inputs"], specs)])  # noqa: B905
            answer({"outputs": [_packed(value) for value in model.outputs()]})
        elif do == "memory":
            answer({"peak_mib": _memory("VmHWM") / 1024, "before_mib": before / 1024})
        elif do == "counters":
            answer(_counters())
        elif do == "profile":
            answer({"operators": model.profile(int(command["count"]))})
        elif do == "close":
            return
        else:
            raise ValueError("unknown command: " + str(do))


def _runtimes_of(path: str) -> Any:
    """The runtimes of a file beside this one."""
    import importlib.util

    spec = importlib.util.spec_from_file_location("more_runtimes", path)
    module = importlib.util.module_from_spec(spec)  # type: ignore[arg-type]
    spec.loader.exec_module(module)  # type: ignore[union-attr]
    return module.RUNTIMES


def _counters() -> dict[str, Any]:
    import resource

    used = resource.getrusage(resource.RUSAGE_SELF)
    waited: Any = 0.0
    try:
        for thread in os.listdir("/proc/self/task"):
            with open("/proc/self/task/" + thread + "/schedstat", encoding="ascii") as file:
                waited += int(file.read().split()[1]) / 1e9  # proc(5): time on the CPU, time waiting on a run queue, in ns
    except (OSError, IndexError, ValueError):
        waited = None
    return {"cpu_s": used.ru_utime + used.ru_stime, "involuntary": used.ru_nivcsw, "waited_s": waited}


def _timed(invoke: Any, count: int, seconds: float) -> list[int]:
    clock = time.perf_counter_ns
    values: list[int] = []
    end = clock() + int(seconds * 1e9)
    for _ in range(count):
        begin = clock()
        invoke()
        done = clock()
        values.append(done - begin)
        if done > end:
            break
    return values


def _random(draw: Any, spec: dict[str, Any]) -> Any:
    """Values of the input's type: bytes of all sizes, floats within -1 and 1."""
    import numpy as np

    kind = np.dtype(spec["dtype"])
    if kind.kind in "iu":
        edge = np.iinfo(kind)
        return draw.integers(max(edge.min, -128), min(edge.max, 255), spec["shape"], endpoint=True).astype(kind)
    return draw.uniform(-1.0, 1.0, spec["shape"]).astype(kind)


def _row(path: str, first: int, spec: dict[str, Any]) -> Any:
    import numpy as np

    values = np.load(path, mmap_mode="r", allow_pickle=False)[first : first + 1]
    if list(values.shape) != spec["shape"] or values.dtype.name != spec["dtype"]:
        raise ValueError(f"{path}: {values.dtype.name} {list(values.shape)}; the model takes {spec['dtype']} {spec['shape']}")
    return np.ascontiguousarray(values)


def _packed(value: Any) -> dict[str, Any]:
    return {"shape": list(value.shape), "dtype": value.dtype.name, "base64": base64.b64encode(value.tobytes()).decode()}


def _host() -> dict[str, Any]:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return {"cpu": _cpu(), "cores": cores, "system": sys.platform + " " + platform.machine(), "python": platform.python_version()}


def _cpu() -> str:
    try:
        with open("/proc/cpuinfo", encoding="utf-8", errors="replace") as file:
            for line in file:
                if line.startswith(("model name", "Model", "CPU part")):
                    return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or "unknown"


def _reset_peak() -> None:
    """Start the process's peak of resident memory anew, where the system can (Linux: proc(5), clear_refs)."""
    try:
        with open("/proc/self/clear_refs", "w", encoding="ascii") as file:
            file.write("5")
    except OSError:
        return


def _memory(field: str) -> float:
    """A figure of /proc/self/status in KiB; elsewhere the peak that getrusage(2) knows."""
    try:
        with open("/proc/self/status", encoding="ascii") as file:
            return next(float(line.split()[1]) for line in file if line.startswith(field))
    except (OSError, StopIteration):
        import resource

        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # bytes on macOS, KiB elsewhere (getrusage(2))
        return peak / 1024 if sys.platform == "darwin" else float(peak)


def main() -> None:
    """Serve standard input. Standard output is kept for answers alone: what a runtime prints goes to standard error."""
    channel = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)

    def answer(value: dict[str, Any]) -> None:
        channel.write(json.dumps(value) + "\n")
        channel.flush()

    try:
        serve(json.loads(sys.stdin.readline()), iter(sys.stdin.readline, ""), answer)
    except Exception as error:  # noqa: BLE001 - whatever it is, the caller must hear of it
        answer({"error": f"{type(error).__name__}: {error}"})
        raise SystemExit(1) from error


if __name__ == "__main__":
    main()
