"""Open any TFLite or ONNX classifier on one thread and feed it a normalised image, whatever its input is like."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import numpy as np

RUNTIMES = {".tflite": "LiteRT", ".onnx": "onnxruntime", ".mlpackage": "Core ML"}


class Session(Protocol):
    """An open file."""

    def set_input(self, image: np.ndarray) -> None:
        """Put one image in place: float32 (px, px, 3), normalised."""

    def invoke(self) -> None:
        """Run one inference."""

    def output(self) -> np.ndarray:
        """Return the scores of the last inference, (classes,), in the file's own type."""


def fitted(image: np.ndarray, shape: list[Any], dtype: Any, scale: float, zero: int) -> np.ndarray:
    """Bring an image into the form of an input.

    Args:
        image: float32 (px, px, 3).
        shape: of the input; anything but a number stands for a free axis. Channels first when axis 1 is 3 and the last is not.
        dtype: numpy type of the input.
        scale: quantization step of an integer input; 0 when it has none.
        zero: zero point of an integer input.

    Returns:
        (1, px, px, 3) or (1, 3, px, px) of that type.

    Raises:
        ValueError: an integer input without a step.
    """
    import numpy as np

    batch = image[None]
    if len(shape) == 4 and shape[1] == 3 and shape[3] != 3:
        batch = batch.transpose(0, 3, 1, 2)
    if np.issubdtype(dtype, np.integer):
        if not scale:
            raise ValueError("integer input without a quantization step")
        limits = np.iinfo(dtype)
        batch = np.clip(np.round(batch / scale) + zero, limits.min, limits.max)
    return np.ascontiguousarray(batch, dtype)


class _LiteRT:
    def __init__(self, path: Path) -> None:
        from ai_edge_litert.interpreter import Interpreter

        self._interpreter: Any = Interpreter(str(path), num_threads=1)
        self._interpreter.allocate_tensors()
        self._input = self._interpreter.get_input_details()[0]
        self._output = self._interpreter.get_output_details()[0]["index"]

    def set_input(self, image: np.ndarray) -> None:
        scale, zero = self._input["quantization"]
        values = fitted(image, [int(n) for n in self._input["shape"]], self._input["dtype"], scale, zero)
        self._interpreter.set_tensor(self._input["index"], values)

    def invoke(self) -> None:
        self._interpreter.invoke()

    def output(self) -> np.ndarray:
        values: np.ndarray = self._interpreter.get_tensor(self._output)[0]
        return values


class _OnnxRuntime:
    _TYPES = {"tensor(float)": "float32", "tensor(float16)": "float16", "tensor(uint8)": "uint8", "tensor(int8)": "int8"}

    def __init__(self, path: Path) -> None:
        import numpy as np
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 3
        self._session: Any = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        self._input = self._session.get_inputs()[0]
        self._dtype = np.dtype(self._TYPES[self._input.type])
        self._step = _onnx_input_step(path, self._input.name) if self._dtype.kind in "iu" else (0.0, 0)
        self._feed: dict[str, Any] = {}
        self._result: Any = None

    def set_input(self, image: np.ndarray) -> None:
        self._feed = {self._input.name: fitted(image, self._input.shape, self._dtype, *self._step)}

    def invoke(self) -> None:
        self._result = self._session.run(None, self._feed)

    def output(self) -> np.ndarray:
        values: np.ndarray = self._result[0][0]
        return values


def _onnx_input_step(path: Path, name: str) -> tuple[float, int]:
    """Scale and zero point of an integer input: those of the DequantizeLinear that reads it; (0, 0) when there is none."""
    import onnx

    graph = onnx.load(str(path)).graph
    values = {i.name: onnx.numpy_helper.to_array(i) for i in graph.initializer}
    node = next((n for n in graph.node if n.op_type == "DequantizeLinear" and n.input[0] == name), None)
    if node is None:
        return 0.0, 0
    return float(values[node.input[1]]), int(values[node.input[2]]) if len(node.input) > 2 else 0


def unrunnable(path: Path) -> str | None:
    """Say why a file cannot be run here; None when it can."""
    return "Core ML runs on a Mac only" if path.suffix == ".mlpackage" else None


def open_file(path: Path) -> Session:
    """Open a file in its runtime, on one thread.

    Args:
        path: `.tflite` or `.onnx`.

    Returns:
        The session.
    """
    return _LiteRT(path) if path.suffix == ".tflite" else _OnnxRuntime(path)
