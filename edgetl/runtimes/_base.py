"""What a runtime module must define."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Protocol

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

    def unavailable(self) -> str | None:
        """None, or why it cannot run here and what would help. Never raises."""

    def load_engine(self) -> None:
        """Import the engine, so that a benchmark can tell its cost from the model's."""

    def open(self, path: Path, threads: int, preprocess: Preprocess, class_names: tuple[str, ...]) -> Session:
        """Load an artifact; raises VerificationError when the runtime refuses it."""


def missing(package: str) -> str | None:
    """Say whether a package cannot be imported, without importing it; None when it can."""
    import importlib.util

    return None if importlib.util.find_spec(package) else f"{package} is not installed; pip install edgetl brings it."
