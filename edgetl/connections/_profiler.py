"""Where the time of one inference goes, operator by operator: loaded by the runner when its job names this file.

One file for Python 3.9 that needs nothing of edgetl, like the runner. `RUNTIMES` are the runner's, with `profile(count)` added:

    onnxruntime  its own profile (`SessionOptions.enable_profiling`), one event a node
    litert       the interpreter of Python has no profiler, the C library beside it has: the model is compiled by `libLiteRt`'s
                 C interface with the runtime option `enable_profiling`, and its profiler tells each XNNPACK operator

Profiling costs time itself, so shares are what counts.
"""

from __future__ import annotations

import ctypes
import json
import os
import tempfile
from typing import Any

_MAX_EVENTS = 2_000_000
_CPU = 1
"""Source: LiteRT, `litert_common.h`, kLiteRtHwAcceleratorCpu."""
_OPERATOR, _DELEGATED = 2, 8
"""Source: TFLite, `profiler.h`: an operator of the interpreter; one inside of a delegate."""
_HANDLE = ctypes.c_void_p


class _Event(ctypes.Structure):
    """Source: LiteRT, `litert_profiler_event.h`, ProfiledEventData (checked with ai-edge-litert 2.3)."""

    _fields_ = [  # noqa: RUF012 - so ctypes wants it
        ("tag", ctypes.c_char_p),
        ("type", ctypes.c_int),
        ("start_us", ctypes.c_uint64),
        ("elapsed_us", ctypes.c_uint64),
        ("memory", ctypes.c_size_t * 6),
        ("index", ctypes.c_uint64),
        ("subgraph", ctypes.c_uint64),
        ("source", ctypes.c_int),
    ]


class _LiteRT:
    """A .tflite file through the C interface of LiteRT, CPU with XNNPACK. Every handle lives as long as the process."""

    def __init__(self, path: str, threads: int) -> None:
        import ai_edge_litert
        from ai_edge_litert.interpreter import Interpreter  # tells inputs by name, and loads what the library needs

        self.engine = "ai-edge-litert " + ai_edge_litert.__version__
        self._path, self._threads, self._interpreter = path, threads, Interpreter
        folder = os.path.dirname(ai_edge_litert.__file__)
        names = [name for name in ("libLiteRt.so", "libLiteRt.dylib") if os.path.exists(os.path.join(folder, name))]
        if not names:
            raise RuntimeError("this ai-edge-litert brings no libLiteRt; profiling needs ai-edge-litert 2.3 or later")
        self._library = ctypes.CDLL(os.path.join(folder, names[0]))
        self._kept: list[Any] = []

    def _call(self, name: str, *values: Any) -> None:
        status = getattr(self._library, name)(*values)
        if status:
            raise RuntimeError("LiteRT: " + name + " gives status " + str(status))

    def _made(self, name: str, *values: Any) -> Any:
        handle = _HANDLE()
        self._call(name, *values, ctypes.byref(handle))
        return handle

    def load(self) -> None:
        details = self._interpreter(self._path).get_input_details()
        self._specs = [
            {"name": d["name"], "shape": [int(s) if s > 0 else 1 for s in d["shape"]], "dtype": d["dtype"].__name__}
            for d in details
        ]
        environment = self._made("LiteRtCreateEnvironment", 0, None)
        model = self._made("LiteRtCreateModelFromFile", environment, self._path.encode())
        options = self._made("LiteRtCreateOptions")
        self._call("LiteRtSetOptionsHardwareAccelerators", options, _CPU)
        self._set(options, "runtime_options_string", "enable_profiling = true\n")
        self._set(options, "xnnpack", "num_threads = " + str(int(self._threads)) + "\n")
        self._model = self._made("LiteRtCreateCompiledModel", environment, model, options)
        self._profiler = self._made("LiteRtCompiledModelGetProfiler", self._model)
        signature = self._made("LiteRtGetModelSignature", model, ctypes.c_size_t(0))
        self._ends = [self._buffers(way, environment, signature) for way in ("Input", "Output")]

    def _set(self, options: Any, name: str, text: str) -> None:
        """Add settings, TOML as text, under the name that LiteRT looks for."""
        payload = ctypes.create_string_buffer(text.encode())
        release = ctypes.CFUNCTYPE(None, _HANDLE)(lambda address: None)
        self._kept += [payload, release]
        self._call("LiteRtAddOpaqueOptions", options, self._made("LiteRtCreateOpaqueOptions", name.encode(), payload, release))

    def _buffers(self, way: str, environment: Any, signature: Any) -> Any:
        count, first = ctypes.c_size_t(), ctypes.c_size_t(0)
        self._call("LiteRtGetNumSignature" + way + "s", signature, ctypes.byref(count))
        found = (_HANDLE * count.value)()
        for index in range(count.value):
            place, kind = ctypes.c_size_t(index), ctypes.create_string_buffer(512)  # a LiteRtRankedTensorType has 80 bytes or so
            tensor = self._made("LiteRtGetSignature" + way + "TensorByIndex", signature, place)
            self._call("LiteRtGetRankedTensorType", tensor, kind)
            needs = self._made("LiteRtGetCompiledModel" + way + "BufferRequirements", self._model, first, place)
            found[index] = self._made("LiteRtCreateManagedTensorBufferFromRequirements", environment, kind, needs)
        return found

    def inputs(self) -> list[dict[str, Any]]:
        return self._specs

    def set_inputs(self, values: list[Any]) -> None:
        for buffer, value in zip(self._ends[0], values):  # noqa: B905 - Python 3.9
            size, address = ctypes.c_size_t(), _HANDLE()
            self._call("LiteRtGetTensorBufferPackedSize", _HANDLE(buffer), ctypes.byref(size))
            if size.value != value.nbytes:
                raise RuntimeError("LiteRT: an input takes " + str(size.value) + " bytes, not " + str(value.nbytes))
            self._call("LiteRtLockTensorBuffer", _HANDLE(buffer), ctypes.byref(address), 1)  # 1: to write
            ctypes.memmove(address, value.tobytes(), value.nbytes)
            self._call("LiteRtUnlockTensorBuffer", _HANDLE(buffer))

    def invoke(self) -> None:
        given, made = self._ends
        self._call(
            "LiteRtRunCompiledModel",
            self._model,
            ctypes.c_size_t(0),
            ctypes.c_size_t(len(given)),
            given,
            ctypes.c_size_t(len(made)),
            made,
        )

    def profile(self, count: int) -> list[dict[str, Any]]:
        """Operators in the order in which they ran: `name`, `type`, `index`, and microseconds of each of `count` inferences."""
        found: dict[int, dict[str, Any]] = {}
        for _ in range(count):
            self._call("LiteRtResetProfiler", self._profiler)
            self._call("LiteRtStartProfiler", self._profiler)  # a reset stops it
            self.invoke()
            number = ctypes.c_int()
            self._call("LiteRtGetNumProfilerEvents", self._profiler, ctypes.byref(number))
            if not 0 < number.value <= _MAX_EVENTS:
                raise RuntimeError("LiteRT's profiler kept " + str(number.value) + " events")
            events = (_Event * number.value)()
            self._call("LiteRtGetProfilerEvents", self._profiler, number, events)
            place = 0
            for event in events:
                if event.type in (_OPERATOR, _DELEGATED):
                    name = (event.tag or b"").decode("utf-8", "replace")
                    row = found.setdefault(place, {"name": name, "type": name, "us": []})
                    if row["name"] != name:
                        raise RuntimeError("LiteRT ran other operators than in the inference before")
                    row["us"].append(event.elapsed_us)
                    place += 1
        return [found[place] for place in sorted(found)]


class _OnnxRuntime:
    """An .onnx file in onnxruntime's CPU execution provider, with its profile."""

    def __init__(self, path: str, threads: int) -> None:
        import onnxruntime

        self.engine = "onnxruntime " + onnxruntime.__version__
        self._path, self._threads = path, threads
        self._feed: dict[str, Any] = {}

    def load(self) -> None:
        import onnxruntime

        self._folder = tempfile.TemporaryDirectory(prefix="edgetl-")
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads, options.inter_op_num_threads = self._threads, 1
        options.log_severity_level = 3
        options.enable_profiling = True
        options.profile_file_prefix = os.path.join(self._folder.name, "profile")
        self._session = onnxruntime.InferenceSession(self._path, options, providers=["CPUExecutionProvider"])

    def inputs(self) -> list[dict[str, Any]]:
        types = {"tensor(float)": "float32", "tensor(uint8)": "uint8", "tensor(int8)": "int8", "tensor(float16)": "float16"}
        return [
            {
                "name": given.name,
                "shape": [size if isinstance(size, int) and size > 0 else 1 for size in given.shape],
                "dtype": types.get(given.type, given.type),
            }
            for given in self._session.get_inputs()
        ]

    def set_inputs(self, values: list[Any]) -> None:
        self._feed = {given.name: value for given, value in zip(self._session.get_inputs(), values)}  # noqa: B905

    def invoke(self) -> Any:
        return self._session.run(None, self._feed)

    def profile(self, count: int) -> list[dict[str, Any]]:
        """As above, of the last `count` inferences. Once only: onnxruntime's profile ends when it is read."""
        for _ in range(count):
            self.invoke()
        with open(self._session.end_profiling(), encoding="utf-8") as file:
            events = json.load(file)
        self._folder.cleanup()
        found: dict[str, dict[str, Any]] = {}
        for event in events[:_MAX_EVENTS]:
            if event.get("cat") == "Node" and event["name"].endswith("_kernel_time"):
                facts = event["args"]
                shapes = [list(part.values())[0] for part in facts.get("input_type_shape", [])]
                depthwise = (
                    "Conv" in facts["op_name"]
                    and len(shapes) > 1
                    and max((shape[1] for shape in shapes[1:] if len(shape) == 4), default=0) == 1 < shapes[0][1]
                )
                name = event["name"][: -len("_kernel_time")]
                kind = facts["op_name"] + (" depthwise" if depthwise else "")
                found.setdefault(name, {"name": name, "type": kind, "us": []})["us"].append(event["dur"])
        return [{**row, "us": row["us"][-count:]} for row in found.values()]


RUNTIMES: dict[str, Any] = {"litert": _LiteRT, "onnxruntime": _OnnxRuntime}
