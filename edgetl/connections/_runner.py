"""The runner: loads one artifact in a process of its own and times it when told to. Copied to devices as this one file.

Input: lines of JSON on standard input, the first the job, then commands. Output: one line of JSON for each on standard output,
`{"error": …}` where it failed. It needs Python 3.9, numpy and the runtime, nothing of edgetl, so that the same code measures
on this host, over ssh, under emulation and in Termux.

    job      {"model": path, "runtime": "litert" | "onnxruntime" | "coreml", "threads": n, "cpus": [n, …] | null, "seed": n}
             → facts: versions, load_ms, first_inference_ms, cpu, cores, pid, inputs; of Core ML, which takes "units": "all" |
             "cpu_only" | "cpu_and_ne" | "cpu_and_gpu", also compute_units and compute_plan
    time     {"do": "time", "count": n, "seconds": s}  → {"values_ns": […]}: at most n inferences, stops after s seconds
    outputs  {"do": "outputs", "inputs": [path.npy], "first": i}
             → {"outputs": [{"shape", "dtype", "base64"}]} of row i of each input, in the model's own types
    memory   {"do": "memory"}  → {"peak_mib", "before_mib"}: resident memory, peak since start, and before the model was loaded
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

        self.engine = "ai-edge-litert " + ai_edge_litert.__version__
        self._path, self._threads = path, threads

    def load(self) -> None:
        from ai_edge_litert.interpreter import Interpreter

        self._interpreter = Interpreter(self._path, num_threads=self._threads)
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


class _CoreML:
    """An .mlpackage in Core ML; macOS only. Core ML chooses its own threads."""

    def __init__(self, path: str, threads: int, units: str = "all") -> None:
        if platform.system() != "Darwin":
            raise RuntimeError("Core ML runs on macOS; this is " + platform.system())
        import coremltools

        self.engine = "coremltools " + coremltools.__version__ + ", macOS " + platform.mac_ver()[0]
        self._path, self._units = path, coremltools.ComputeUnit[units.upper()]

    def load(self) -> None:
        import coremltools

        self._model = coremltools.models.MLModel(self._path, compute_units=self._units)
        self._feed: dict[str, Any] = {}

    def invoke(self) -> Any:
        return self._model.predict(self._feed)

    def inputs(self) -> list[dict[str, Any]]:
        self._given = list(self._model.get_spec().description.input)
        return [core_ml_input(given) for given in self._given]

    def set_inputs(self, values: list[Any]) -> None:
        self._feed = {}
        for given, value in zip(self._given, values):  # noqa: B905 - Python 3.9
            if given.type.WhichOneof("Type") == "imageType":
                from PIL import Image

                value = Image.fromarray(value[0])
            self._feed[given.name] = value

    def outputs(self) -> list[Any]:
        return core_ml_outputs(self.invoke())

    def facts(self) -> dict[str, Any]:
        """Compute units asked for, and the share of the operations that Core ML plans for each of them."""
        from coremltools.models.compute_plan import MLComputePlan

        found: dict[str, Any] = {"compute_units": self._units.name.lower(), "compute_plan": None}
        try:
            plan = MLComputePlan.load_from_path(self._model.get_compiled_model_path(), self._units)
        except (RuntimeError, ValueError) as error:  # before macOS 14.4 there is none
            return {**found, "compute_plan_error": str(error)[:200]}
        program = plan.model_structure.program
        if program is not None:
            names = []
            for operation in program.functions["main"].block.operations:
                usage = plan.get_compute_device_usage_for_mlprogram_operation(operation)
                if usage is not None:  # constants run nowhere
                    names.append(type(usage.preferred_compute_device).__name__)
            found["compute_plan"] = shares(names)
        return found


def core_ml_input(given: Any) -> dict[str, Any]:
    """Name, shape and type of an input of a Core ML model, from its specification; an image is one of bytes, RGB."""
    kind = given.type.WhichOneof("Type")
    if kind == "imageType":
        image = given.type.imageType
        return {"name": given.name, "shape": [1, int(image.height), int(image.width), 3], "dtype": "uint8"}
    if kind != "multiArrayType":
        raise ValueError("input " + given.name + ": neither an image nor an array")
    array = given.type.multiArrayType
    types = {
        65568: "float32",
        65552: "float16",
        65600: "float64",
        131104: "int32",
    }  # Core ML, ArrayDataType of FeatureTypes.proto
    return {"name": given.name, "shape": [int(size) for size in array.shape], "dtype": types[int(array.dataType)]}


def core_ml_outputs(found: dict[str, Any]) -> list[Any]:
    """Arrays of a prediction in the order of their names; of a classifier's probabilities those of the labels in order."""
    import numpy as np

    arrays = []
    for name in sorted(found):
        value = found[name]
        if isinstance(value, dict):
            value = np.array([[value[label] for label in sorted(value)]], np.float32)
        if not isinstance(value, (str, int)):  # the label itself
            arrays.append(np.asarray(value))
    return arrays


def shares(names: list[str]) -> dict[str, float]:
    """Share of each kind of compute device: "cpu", "gpu", "neural_engine"."""
    words = {"MLCPUComputeDevice": "cpu", "MLGPUComputeDevice": "gpu", "MLNeuralEngineComputeDevice": "neural_engine"}
    return {word: names.count(name) / len(names) for name, word in words.items() if names}


RUNTIMES: dict[str, Any] = {"litert": _LiteRT, "onnxruntime": _OnnxRuntime, "coreml": _CoreML}


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
    model = RUNTIMES[job["runtime"]](job["model"], int(job["threads"]), **units)
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
        elif do == "close":
            return
        else:
            raise ValueError("unknown command: " + str(do))


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
