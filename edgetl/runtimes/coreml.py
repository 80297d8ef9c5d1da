"""Core ML itself, which runs on a Mac only. Elsewhere it says so, and `coreml_reference` evaluates the package."""

from __future__ import annotations

import platform
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgetl.errors import VerificationError
from edgetl.runtimes._base import missing
from edgetl.types import Preprocess

if TYPE_CHECKING:
    import numpy as np

TITLE = "Core ML, on a Mac."
FORMATS = ("coreml",)
PACKAGES = ("coremltools",)
REFERENCE = False


def unavailable() -> str | None:
    """See `RuntimeModule.unavailable`."""
    if platform.system() != "Darwin":
        return f"Core ML runs on macOS only; this is {platform.system()}. Run the same command on a Mac to verify it."
    return missing("coremltools")


def load_engine() -> None:
    """See `RuntimeModule.load_engine`."""
    import coremltools  # noqa: F401


class _Session:
    def __init__(self, path: Path, class_names: tuple[str, ...]) -> None:
        import coremltools

        try:
            self._model: Any = coremltools.models.MLModel(str(path))
        except (RuntimeError, ValueError) as error:
            raise VerificationError(f"{path.name}: Core ML refuses it: {error}") from error
        self._class_names = class_names
        self._image: Any = None
        self._result: dict[str, Any] = {}

    def set_input(self, pixels: np.ndarray) -> None:
        from PIL import Image

        self._image = Image.fromarray(pixels)

    def invoke(self) -> None:
        self._result = self._model.predict({"image": self._image})

    def output(self) -> np.ndarray:
        import numpy as np

        probabilities = next(v for v in self._result.values() if isinstance(v, dict))
        return np.array([probabilities[name] for name in self._class_names], dtype=np.float32)

    def close(self) -> None:
        self._model = None


def open(path: Path, threads: int, preprocess: Preprocess, class_names: tuple[str, ...]) -> _Session:
    """See `RuntimeModule.open`. Core ML chooses its own threads."""
    return _Session(path, class_names)
