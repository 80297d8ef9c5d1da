"""LiteRT (formerly TFLite) on the CPU, with its XNNPACK delegate, as on a phone."""

from __future__ import annotations

from pathlib import Path

from edgetl.runtimes._litert import FORMATS, PACKAGES, Session, load_engine, unavailable
from edgetl.types import Preprocess

__all__ = ["FORMATS", "PACKAGES", "REFERENCE", "TITLE", "load_engine", "open", "unavailable"]

TITLE = "LiteRT interpreter, CPU with XNNPACK."
REFERENCE = False


def open(path: Path, threads: int, preprocess: Preprocess, class_names: tuple[str, ...]) -> Session:
    """See `RuntimeModule.open`."""
    return Session(path, threads, preprocess)
