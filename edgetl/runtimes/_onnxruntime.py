"""An .onnx file in onnxruntime: what the runtimes that differ in how far they optimise its graph have in common."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from edgetl import declared
from edgetl.errors import VerificationError
from edgetl.runtimes._base import missing, probabilities, tensor
from edgetl.types import Preprocess

if TYPE_CHECKING:
    import numpy as np

FORMATS = ("onnx",)
PACKAGES = ("onnxruntime",)
Level = Literal["ORT_DISABLE_ALL", "ORT_ENABLE_BASIC", "ORT_ENABLE_EXTENDED", "ORT_ENABLE_ALL"]
"""Members of onnxruntime's `GraphOptimizationLevel`, each with what the ones before it do."""
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


class Session:
    """See `edgetl.runtimes._base.Session`."""

    def __init__(self, path: Path, threads: int, preprocess: Preprocess, level: Level = "ORT_ENABLE_ALL") -> None:
        """Load a file.

        Args:
            path: the file.
            threads: CPU threads.
            preprocess: normalisation of a float input.
            level: how far the graph is optimised.

        Raises:
            VerificationError: onnxruntime refuses it.
        """
        import onnxruntime
        from onnxruntime.capi import onnxruntime_pybind11_state as state

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        options.graph_optimization_level = getattr(onnxruntime.GraphOptimizationLevel, level)
        refusals = (RuntimeError, *(getattr(state, name) for name in _REFUSALS))
        try:
            self._session: Any = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        except refusals as error:
            raise VerificationError(f"{path.name}: onnxruntime refuses it: {error}") from error
        (given,) = self._session.get_inputs()
        self._input, self._channels_first = given.name, given.shape[-1] != 3
        self._dtype = {"tensor(uint8)": "uint8", "tensor(int8)": "int8"}.get(given.type, "float32")
        told = self._session.get_modelmeta().custom_metadata_map
        self._preprocess = declared.left_for_app(preprocess, graph=told.get(declared.KEY) == declared.GRAPH)
        self._feed: dict[str, Any] = {}
        self._result: Any = None

    def set_input(self, pixels: np.ndarray) -> None:
        """See `Session.set_input`."""
        values = tensor(pixels, self._preprocess, self._dtype)
        self._feed = {self._input: values.transpose(0, 3, 1, 2).copy() if self._channels_first else values}

    def invoke(self) -> None:
        """See `Session.invoke`."""
        self._result = self._session.run(None, self._feed)

    def output(self) -> np.ndarray:
        """See `Session.output`."""
        return probabilities(self._result[0][0])

    def close(self) -> None:
        """See `Session.close`."""
        self._session = None
