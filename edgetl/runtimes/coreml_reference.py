"""A Core ML package evaluated in software, on any computer: what the file means, not what a phone's Neural Engine makes of it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from edgetl.errors import VerificationError
from edgetl.runtimes._base import missing
from edgetl.types import Preprocess

if TYPE_CHECKING:
    import numpy as np

TITLE = "Core ML packages, evaluated operation by operation; needs no Mac."
FORMATS = ("coreml",)
PACKAGES = ("coremltools", "onnxruntime")
REFERENCE = True


def unavailable() -> str | None:
    """See `RuntimeModule.unavailable`."""
    return missing("coremltools") or missing("onnxruntime")


def load_engine() -> None:
    """See `RuntimeModule.load_engine`."""
    import coremltools  # noqa: F401
    import onnxruntime  # noqa: F401


class _Session:
    def __init__(self, path: Path, class_names: tuple[str, ...]) -> None:
        from edgetl.grid import mil_reference

        self._model = mil_reference.open_package(path)
        found = self._model.class_names
        if found and sorted(found) != sorted(class_names):
            raise VerificationError(
                f"{path.name}: its classes are {', '.join(found[:8])} …; asked for: {', '.join(class_names[:8])} …."
            )
        self._order = [found.index(name) for name in class_names] if found else slice(None)
        self._pixels: np.ndarray | None = None
        self._result: np.ndarray | None = None

    def set_input(self, pixels: np.ndarray) -> None:
        self._pixels = pixels

    def invoke(self) -> None:
        assert self._pixels is not None
        self._result = self._model.run(self._pixels)

    def output(self) -> np.ndarray:
        assert self._result is not None
        return self._result[self._order]

    def close(self) -> None:
        self._pixels = self._result = None


def open(path: Path, threads: int, preprocess: Preprocess, class_names: tuple[str, ...]) -> _Session:
    """See `RuntimeModule.open`. Arithmetic as the package says; one thread; the normalisation is the package's own."""
    return _Session(path, class_names)
