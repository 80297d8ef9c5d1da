"""LiteRT (formerly TFLite) on the CPU, with its XNNPACK delegate, as on a phone."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgetl.errors import VerificationError
from edgetl.runtimes._base import missing
from edgetl.types import Preprocess

if TYPE_CHECKING:
    import numpy as np

TITLE = "LiteRT interpreter, CPU with XNNPACK."
FORMATS = ("tflite",)
PACKAGES = ("ai-edge-litert",)
REFERENCE = False


def unavailable() -> str | None:
    """See `RuntimeModule.unavailable`."""
    return missing("ai_edge_litert")


def load_engine() -> None:
    """See `RuntimeModule.load_engine`."""
    import ai_edge_litert.interpreter  # noqa: F401


class _Session:
    def __init__(self, path: Path, threads: int, preprocess: Preprocess) -> None:
        from ai_edge_litert.interpreter import Interpreter

        try:
            self._interpreter: Any = Interpreter(str(path), num_threads=threads)
            self._interpreter.allocate_tensors()
        except (ValueError, RuntimeError) as error:
            raise VerificationError(f"{path.name}: LiteRT refuses it: {error}") from error
        self._input = self._interpreter.get_input_details()[0]
        self._output = self._interpreter.get_output_details()[0]
        self._preprocess = preprocess

    def set_input(self, pixels: np.ndarray) -> None:
        from edgetl.runtimes._base import tensor

        values = tensor(pixels, self._preprocess, self._input["dtype"].__name__)
        self._interpreter.set_tensor(self._input["index"], values)

    def invoke(self) -> None:
        self._interpreter.invoke()

    def output(self) -> np.ndarray:
        from edgetl.runtimes._base import probabilities

        return probabilities(self._interpreter.get_tensor(self._output["index"])[0])

    def close(self) -> None:
        self._interpreter = None


def open(path: Path, threads: int, preprocess: Preprocess, class_names: tuple[str, ...]) -> _Session:
    """See `RuntimeModule.open`."""
    return _Session(path, threads, preprocess)
