"""Did I get what I asked for: facts of a converted file, of every format, and what differs from what was asked.

`inspect` reads a file in this process; `edgetl.inspection.apart` does it in a child process with limits, for files of unknown
origin.
"""

from __future__ import annotations

from pathlib import Path

from edgetl.inspection.records import Asked, End, Facts, Finding, Inspection

SUFFIXES = {".tflite": "tflite", ".onnx": "onnx", ".mlpackage": "coreml", ".h5": "keras", ".hdf5": "keras", ".keras": "keras"}
"""How a file's name ends → module of this folder that reads it."""


def read(path: Path) -> Facts:
    """Read what a file says of itself.

    Args:
        path: a `.tflite`, `.onnx`, `.mlpackage`, `.h5` or `.keras`.

    Returns:
        Its facts.

    Raises:
        InputError: it is none of these, or damaged, or refused.
    """
    import importlib

    from edgetl.errors import InputError

    if not path.exists():
        raise InputError(f"{path}: no such file.")
    if path.suffix not in SUFFIXES:
        raise InputError(f"{path}: must be a network's file, its name ending in {', '.join(sorted(SUFFIXES))}.")
    reader = importlib.import_module(f"edgetl.inspection.{SUFFIXES[path.suffix]}")
    facts: Facts = reader.read(path)
    return facts


def inspect(path: Path, asked: Asked | None = None) -> Inspection:
    """Read a file and hold it against what was asked.

    Args:
        path: see `read`.
        asked: what it should be; None: what its run wrote down of it, or else what its name claims.

    Returns:
        Facts and findings.

    Raises:
        InputError: see `read`; or the record of its run cannot be read.
    """
    from edgetl.inspection import claims, rules

    wanted = claims.find(path) if asked is None else asked
    facts = read(path)
    return Inspection(name=path.name, facts=facts, asked=wanted, findings=rules.judge(path.name, facts, wanted))


__all__ = ["SUFFIXES", "Asked", "End", "Facts", "Finding", "Inspection", "inspect", "read"]
