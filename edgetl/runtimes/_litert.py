"""A .tflite file in the LiteRT interpreter: what the runtimes that differ in their kernels alone have in common."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from edgetl import declared
from edgetl.errors import VerificationError
from edgetl.runtimes._base import missing, probabilities, tensor
from edgetl.types import Preprocess

if TYPE_CHECKING:
    import numpy as np

FORMATS = ("tflite",)
PACKAGES = ("ai-edge-litert",)
Kernels = Literal["AUTO", "BUILTIN_WITHOUT_DEFAULT_DELEGATES", "BUILTIN_REF"]
"""Members of LiteRT's `OpResolverType`: with XNNPACK; the optimised kernels alone; the plain loops that define what is right."""


def unavailable() -> str | None:
    """See `RuntimeModule.unavailable`."""
    return missing("ai_edge_litert")


def load_engine() -> None:
    """See `RuntimeModule.load_engine`."""
    import ai_edge_litert.interpreter  # noqa: F401


class Session:
    """See `edgetl.runtimes._base.Session`."""

    def __init__(self, path: Path, threads: int, preprocess: Preprocess, kernels: Kernels = "AUTO") -> None:
        """Load a file.

        Args:
            path: the file.
            threads: CPU threads.
            preprocess: normalisation of a float input.
            kernels: what computes.

        Raises:
            VerificationError: LiteRT refuses it.
        """
        from ai_edge_litert.interpreter import Interpreter, OpResolverType

        resolver = getattr(OpResolverType, kernels)
        try:
            self._interpreter: Any = Interpreter(str(path), num_threads=threads, experimental_op_resolver_type=resolver)
            self._interpreter.allocate_tensors()
        except (ValueError, RuntimeError) as error:
            raise VerificationError(f"{path.name}: LiteRT refuses it: {error}") from error
        self._input = self._interpreter.get_input_details()[0]
        self._output = self._interpreter.get_output_details()[0]
        self._preprocess = declared.of_file(path, preprocess)

    def set_input(self, pixels: np.ndarray) -> None:
        """See `Session.set_input`."""
        values = tensor(pixels, self._preprocess, self._input["dtype"].__name__)
        self._interpreter.set_tensor(self._input["index"], values)

    def invoke(self) -> None:
        """See `Session.invoke`."""
        self._interpreter.invoke()

    def output(self) -> np.ndarray:
        """See `Session.output`."""
        return probabilities(self._interpreter.get_tensor(self._output["index"])[0])

    def close(self) -> None:
        """See `Session.close`."""
        self._interpreter = None
