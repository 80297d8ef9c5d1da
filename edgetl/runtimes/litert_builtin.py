"""LiteRT's own optimised kernels, without XNNPACK: what computes where no delegate takes an operator."""

from __future__ import annotations

from pathlib import Path

from edgetl.runtimes._litert import FORMATS, PACKAGES, Session, load_engine, unavailable
from edgetl.types import Preprocess

__all__ = ["FORMATS", "PACKAGES", "REFERENCE", "TITLE", "load_engine", "open", "unavailable"]

TITLE = "LiteRT interpreter, its optimised kernels without XNNPACK; a witness."
REFERENCE = True


def open(path: Path, threads: int, preprocess: Preprocess, class_names: tuple[str, ...]) -> Session:
    """See `RuntimeModule.open`."""
    return Session(path, threads, preprocess, "BUILTIN_WITHOUT_DEFAULT_DELEGATES")
