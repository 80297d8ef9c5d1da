"""onnxruntime on the CPU."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgetl.errors import VerificationError
from edgetl.runtimes._base import missing
from edgetl.types import Preprocess

if TYPE_CHECKING:
    import numpy as np

TITLE = "onnxruntime, CPU execution provider."
FORMATS = ("onnx",)
PACKAGES = ("onnxruntime",)
REFERENCE = False
_REFUSALS = (
    "Fail",
    "InvalidArgument",
    "InvalidGraph",
    "InvalidProtobuf",
    "NoModel",
    "NoSuchFile",
    "NotImplemented",
    "RuntimeException",
)
"""onnxruntime's exceptions, which share no base but Exception."""


def unavailable() -> str | None:
    """See `RuntimeModule.unavailable`."""
    return missing("onnxruntime")


def load_engine() -> None:
    """See `RuntimeModule.load_engine`."""
    import onnxruntime  # noqa: F401


class _Session:
    def __init__(self, path: Path, threads: int, preprocess: Preprocess) -> None:
        import onnxruntime
        from onnxruntime.capi import onnxruntime_pybind11_state as state

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        refusals = (RuntimeError, *(getattr(state, name) for name in _REFUSALS))
        try:
            self._session: Any = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        except refusals as error:
            raise VerificationError(f"{path.name}: onnxruntime refuses it: {error}") from error
        (given,) = self._session.get_inputs()
        self._input, self._channels_first = given.name, given.shape[-1] != 3
        self._dtype = {"tensor(uint8)": "uint8", "tensor(int8)": "int8"}.get(given.type, "float32")
        self._preprocess = preprocess
        self._feed: dict[str, Any] = {}
        self._result: Any = None

    def set_input(self, pixels: np.ndarray) -> None:
        from edgetl.runtimes._base import tensor

        values = tensor(pixels, self._preprocess, self._dtype)
        self._feed = {self._input: values.transpose(0, 3, 1, 2).copy() if self._channels_first else values}

    def invoke(self) -> None:
        self._result = self._session.run(None, self._feed)

    def output(self) -> np.ndarray:
        from edgetl.runtimes._base import probabilities

        return probabilities(self._result[0][0])

    def close(self) -> None:
        self._session = None


def open(path: Path, threads: int, preprocess: Preprocess, class_names: tuple[str, ...]) -> _Session:
    """See `RuntimeModule.open`."""
    return _Session(path, threads, preprocess)
