"""onnxruntime on the CPU, with all its graph optimisations, as by default."""

from __future__ import annotations

from pathlib import Path

from edgetl.runtimes._onnxruntime import FORMATS, PACKAGES, Session, load_engine, unavailable
from edgetl.types import Preprocess

__all__ = ["FORMATS", "PACKAGES", "REFERENCE", "TITLE", "load_engine", "open", "unavailable"]

TITLE = "onnxruntime, CPU execution provider."
REFERENCE = False


def open(path: Path, threads: int, preprocess: Preprocess, class_names: tuple[str, ...]) -> Session:
    """See `RuntimeModule.open`."""
    return Session(path, threads, preprocess)
