"""A checkpoint's frozen network (`network.pb`), read and run by TensorFlow in a child process: the parent stays small."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgetl.errors import InputError
from edgetl.layers.steps import Grid, Layer, Walk

if TYPE_CHECKING:
    import numpy as np

    from edgetl.types import Preprocess

_ENVIRONMENT = {"CUDA_VISIBLE_DEVICES": "", "TF_CPP_MIN_LOG_LEVEL": "3", "TF_ENABLE_ONEDNN_OPTS": "0", "TF_USE_LEGACY_KERAS": "1"}
_TIMEOUT_S = 1800
_ARRAYS = ("kernel", "bias")


def read(path: Path, pixels: np.ndarray, preprocess: Preprocess) -> Walk:
    """Read a frozen network and run it; see `read_all`."""
    (walk,) = read_all([path], pixels, preprocess)
    return walk


def read_all(paths: Sequence[Path], pixels: np.ndarray, preprocess: Preprocess) -> list[Walk]:
    """Read frozen networks and run them, all in one child process.

    Args:
        paths: each a `network.pb`, or the folder that holds one.
        pixels: uint8 (N, px, px, 3).
        preprocess: normalisation of the input.

    Returns:
        Of each its layers and what they gave; fake quantization shows as grids.

    Raises:
        InputError: a file cannot be read.
    """
    import numpy as np

    from edgetl.preprocess import normalise

    networks = [network_of(path) for path in paths]
    walks = []
    with tempfile.TemporaryDirectory(prefix="edgetl-layers-") as name:
        folder = Path(name)
        np.save(folder / "images.npy", normalise(pixels, preprocess))
        _child("walk", networks, folder)
        for number, network in enumerate(networks):
            layers, values = [], []
            described = json.loads((folder / f"{number}.json").read_text(encoding="utf-8"))
            for place, fields in enumerate(described):
                for key in _ARRAYS:
                    held = folder / f"{number}.{place}.{key}.npy"
                    fields[key] = np.load(held) if held.is_file() else None
                layers.append(_layer(fields))
                values.append(np.load(folder / f"{number}.{place}.value.npy"))
            walks.append(Walk(title=f"{network.parent.name}/{network.name}", layers=tuple(layers), values=tuple(values)))
    return walks


def answers(
    path: Path, pixels: np.ndarray, preprocess: Preprocess, changed: Sequence[tuple[str, np.ndarray]]
) -> list[np.ndarray]:
    """Ask a frozen network what it would answer if one of its tensors were another.

    Args:
        path: as of `read`.
        pixels: uint8 (N, px, px, 3).
        preprocess: normalisation of the input.
        changed: pairs of a layer's `output` and float32 (N, …) to put there; one question each.

    Returns:
        For each question, after the answer with nothing changed: float32 (N, classes) logits.

    Raises:
        InputError: the file cannot be read.
    """
    import numpy as np

    from edgetl.preprocess import normalise

    with tempfile.TemporaryDirectory(prefix="edgetl-layers-") as name:
        folder = Path(name)
        np.save(folder / "images.npy", normalise(pixels, preprocess))
        (folder / "questions.json").write_text(json.dumps([tensor for tensor, _ in changed]), encoding="utf-8")
        for place, (_, value) in enumerate(changed):
            np.save(folder / f"question.{place}.npy", value.astype(np.float32))
        _child("ask", [network_of(path)], folder)
        return list(np.load(folder / "answers.npy"))


def network_of(path: Path) -> Path:
    """The frozen network in a checkpoint's folder; a file is itself."""
    return path / "network.pb" if path.is_dir() else path


def _child(task: str, paths: Sequence[Path], folder: Path) -> None:
    command = [sys.executable, "-m", "edgetl.layers.frozen_child", task, str(folder), *map(str, paths)]
    shown = " and ".join(map(str, paths))
    with (folder / "log.txt").open("w", encoding="utf-8") as log:
        try:
            code = subprocess.run(
                command, env={**os.environ, **_ENVIRONMENT}, stdin=subprocess.DEVNULL, stdout=log, stderr=log, timeout=_TIMEOUT_S
            ).returncode
        except subprocess.TimeoutExpired as error:
            raise InputError(f"{shown}: takes longer than {_TIMEOUT_S // 60} minutes; give fewer images (--limit).") from error
    if code != 0:
        lines = [line for line in (folder / "log.txt").read_text(encoding="utf-8", errors="replace").splitlines() if line.strip()]
        why = f"{'killed by signal ' + str(-code) if code < 0 else 'ended with code ' + str(code)}"
        raise InputError(f"{shown}: cannot be walked: {lines[-1] if lines else why}")


def _layer(fields: dict[str, Any]) -> Layer:
    import numpy as np

    grid = fields.pop("grid")
    for key in ("strides", "dilations", "pads", "window", "inputs"):
        fields[key] = tuple(fields[key])
    return Layer(
        words=frozenset(fields.pop("words")),
        clip=None if (clip := fields.pop("clip")) is None else (float(clip[0]), float(clip[1])),
        kernel_step=None if (step := fields.pop("kernel_step")) is None else np.asarray(step, np.float32),
        grid=None if grid is None else Grid(**grid),
        **fields,
    )
