"""onnxruntime with fusions for the CPU, but without the changes of layout that come last."""

from __future__ import annotations

from pathlib import Path

from edgetl.runtimes._onnxruntime import FORMATS, PACKAGES, Session, load_engine, unavailable
from edgetl.types import Preprocess

__all__ = ["FORMATS", "PACKAGES", "REFERENCE", "TITLE", "load_engine", "open", "unavailable"]

TITLE = "onnxruntime, CPU, basic and extended graph optimisations; a witness."
REFERENCE = True


def open(path: Path, threads: int, preprocess: Preprocess, class_names: tuple[str, ...]) -> Session:
    """See `RuntimeModule.open`."""
    return Session(path, threads, preprocess, "ORT_ENABLE_EXTENDED")
