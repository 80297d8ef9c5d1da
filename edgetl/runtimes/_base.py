"""What a runtime module must define."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from edgetl.types import Preprocess

if TYPE_CHECKING:
    import numpy as np


class Session(Protocol):
    """An artifact, loaded."""

    def set_input(self, pixels: np.ndarray) -> None:
        """Put one image, uint8 (px, px, 3), where the model reads it; normalisation included."""

    def invoke(self) -> None:
        """Run the model once on the image that was set. This, and only this, is what a benchmark times."""

    def output(self) -> np.ndarray:
        """Probabilities of the last run, float32 (classes,), in the order of the checkpoint's classes."""

    def close(self) -> None:
        """Free the model."""


class RuntimeModule(Protocol):
    """The names a module in this folder defines. Constants are read-only."""

    @property
    def TITLE(self) -> str:
        """One line for `edgetl list`."""

    @property
    def FORMATS(self) -> tuple[str, ...]:
        """Formats it runs."""

    @property
    def PACKAGES(self) -> tuple[str, ...]:
        """Distributions whose version changes results or times."""

    @property
    def REFERENCE(self) -> bool:
        """It tells what a file answers, not how fast a device answers: it is a witness, and never timed."""

    def unavailable(self) -> str | None:
        """None, or why it cannot run here and what would help. Never raises."""

    def load_engine(self) -> None:
        """Import the engine, so that a benchmark can tell its cost from the model's."""

    def open(self, path: Path, threads: int, preprocess: Preprocess, class_names: tuple[str, ...]) -> Session:
        """Load an artifact; raises VerificationError when the runtime refuses it."""


def each_answer(session: Session, pixels: Any) -> Iterator[np.ndarray]:
    """Ask an artifact about images, one after the other.

    Args:
        session: the artifact, loaded.
        pixels: uint8 (N, px, px, 3), in memory or on disk.

    Yields:
        float32 (classes,) for each image; one's own, that the next does not overwrite.
    """
    import numpy as np

    for row in range(len(pixels)):
        session.set_input(pixels[row])
        session.invoke()
        yield np.array(session.output())


def tensor(pixels: np.ndarray, preprocess: Preprocess, dtype: str) -> np.ndarray:
    """Bring an image to the type of a model's input.

    Args:
        pixels: uint8 (px, px, 3).
        preprocess: normalisation of a float input.
        dtype: `float32`; `uint8` takes the bytes as they are, `int8` the bytes less 128.

    Returns:
        (1, px, px, 3) of that type.
    """
    import numpy as np

    from edgetl.preprocess import normalise

    if dtype == "uint8":
        return pixels[None]
    if dtype == "int8":
        return (pixels[None].astype(np.int16) - 128).astype(np.int8)
    return normalise(pixels[None], preprocess)


def probabilities(values: np.ndarray) -> np.ndarray:
    """Bring a model's output to float32.

    Args:
        values: (classes,), float32, or the integers of a softmax: 0 to 255 of uint8, -128 to 127 of int8, in steps of 1/256.

    Returns:
        float32 (classes,).

    Source: TFLite 8-bit quantization specification, SOFTMAX: scale 1/256, zero point -128.
    """
    import numpy as np

    if values.dtype == np.uint8:
        return values.astype(np.float32) / 256.0
    if values.dtype == np.int8:
        return (values.astype(np.float32) + 128.0) / 256.0
    return values


def missing(package: str) -> str | None:
    """Say whether a package cannot be imported, without importing it; None when it can."""
    import importlib.util

    return None if importlib.util.find_spec(package) else f"{package} is not installed; pip install edgetl brings it."
