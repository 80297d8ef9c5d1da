"""What a training run leaves after each epoch, and how it goes on from there."""

from __future__ import annotations

import json
import os
import sys
import zipfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

Arrays = list[np.ndarray]


@dataclass(slots=True, kw_only=True)
class Progress:
    """Where a run stands within a phase."""

    phase: int = 0
    epochs: int = 0
    """Of this phase, done."""
    history: list[dict[str, Any]] = field(default_factory=list)
    rank: tuple[float, ...] | None = None
    """Of the best weights so far."""
    stale: int = 0
    """Epochs since they were found."""
    best: Arrays = field(default_factory=list)
    weights: Arrays = field(default_factory=list)
    optimizer: Arrays = field(default_factory=list)
    average: Arrays = field(default_factory=list)
    """Running mean of the weights; empty when the phase keeps none."""


_KINDS = ("best", "weights", "optimizer", "average")


def save(path: Path, progress: Progress) -> None:
    """Write where a run stands, whole or not at all.

    Args:
        path: the file.
        progress: what to write.
    """
    names = ("phase", "epochs", "history", "rank", "stale")
    arrays = {"head": np.frombuffer(json.dumps({n: getattr(progress, n) for n in names}).encode(), np.uint8)}
    for kind in _KINDS:
        arrays.update({f"{kind}/{i}": value for i, value in enumerate(getattr(progress, kind))})
    _write(path, arrays)


def load(path: Path) -> Progress | None:
    """Read it back.

    Args:
        path: the file.

    Returns:
        None when there is none, or it is damaged (then that is told on standard error).
    """
    if not path.exists():
        return None
    try:
        with np.load(path, allow_pickle=False) as file:
            head: dict[str, Any] = json.loads(file["head"].tobytes())
            arrays = {kind: _numbered(file, kind) for kind in _KINDS}
        head["rank"] = None if head["rank"] is None else tuple(head["rank"])
        return Progress(**{**head, **arrays})
    except (OSError, ValueError, KeyError, TypeError, zipfile.BadZipFile) as error:
        print(f"{path.name} cannot be read ({error}); training starts anew", file=sys.stderr)
        return None


def save_start(folder: Path, phase: int, weights: Arrays) -> None:
    """Keep the whole network as it is when a phase begins.

    Args:
        folder: where to.
        phase: number of the phase.
        weights: of the whole network.
    """
    _write(folder / f"start_{phase}.npz", {f"weights/{i}": w for i, w in enumerate(weights)})
    (folder / f"start_{phase - 1}.npz").unlink(missing_ok=True)


def load_start(folder: Path, phase: int) -> Arrays:
    """Read what `save_start` wrote.

    Args:
        folder: where it lies.
        phase: number of the phase.

    Returns:
        The weights.
    """
    with np.load(folder / f"start_{phase}.npz", allow_pickle=False) as file:
        return _numbered(file, "weights")


def clear(folder: Path, checkpoint: Path) -> None:
    """Remove all that only an interrupted run needs.

    Args:
        folder: of the run.
        checkpoint: the file that `save` wrote.
    """
    for path in (checkpoint, *folder.glob("start_*.npz")):
        path.unlink(missing_ok=True)


def _numbered(file: Any, kind: str) -> Arrays:
    count = sum(1 for name in file.files if name.startswith(f"{kind}/"))
    return [file[f"{kind}/{i}"] for i in range(count)]


def _write(path: Path, arrays: dict[str, np.ndarray]) -> None:
    temporary = path.with_suffix(".writing")
    with temporary.open("wb") as file:
        np.savez(file, **arrays)  # type: ignore[arg-type]
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
