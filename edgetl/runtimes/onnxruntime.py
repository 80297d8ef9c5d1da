"""onnxruntime on the CPU, with all its graph optimisations, as by default."""

from __future__ import annotations

from pathlib import Path

from edgetl.runtimes._base import missing
from edgetl.runtimes._onnxruntime import Session, load_engine
from edgetl.types import Preprocess

__all__ = ["FORMATS", "PACKAGES", "REFERENCE", "TITLE", "load_engine", "open", "unavailable"]

TITLE = "onnxruntime, CPU execution provider."
FORMATS = ("onnx",)
PACKAGES = ("onnxruntime",)
REFERENCE = False


def unavailable() -> str | None:
    """See `RuntimeModule.unavailable`."""
    return missing("onnxruntime")


def open(path: Path, threads: int, preprocess: Preprocess, class_names: tuple[str, ...]) -> Session:
    """See `RuntimeModule.open`."""
    return Session(path, threads, preprocess)
