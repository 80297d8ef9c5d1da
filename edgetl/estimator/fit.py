"""A profile from a user's own rows.

Its costs are fitted with the shape, the strengths and all other rows of the pool behind them, so that five rows are a start: they
tell the speed, the pool tells the proportions. Rows and profile are written beside each other: `my-phone.yaml`,
`my-phone.rows.csv`.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

from edgetl.calibrations import Calibrated, load_calibrations, write_calibrations
from edgetl.devices import load_device
from edgetl.errors import InputError
from edgetl.estimator import atlas as atlases
from edgetl.estimator import pool as pools
from edgetl.estimator import publish
from edgetl.estimator.atlas import Known
from edgetl.estimator.residual import Strengths
from edgetl.estimator.rows import Row, read_rows

MIN_ROWS = 5
"""Fewest rows of a setting."""
UNSTATED_THREADS = 4
"""CPU threads that a profile begins with whose rows do not say how many they used."""


def rows_beside(profile: Path) -> Path:
    """Where a user's profile keeps the rows it was fitted to."""
    return profile.with_suffix(".rows.csv")


def open_own(profile: Path) -> tuple[tuple[Row, ...], Known] | None:
    """Read a user's profile with its rows; None where it has no calibrations of its own.

    Raises:
        InputError: the profile or its rows do not hold.
    """
    found = load_calibrations(str(profile))
    if not found:
        return None
    path = rows_beside(profile)
    if not path.is_file():
        shipped = {setting for device in atlases.known_devices().values() for setting in device.settings()}
        if all(atlases.setting_of(one) in shipped for one in found):
            return None  # a copy of one that comes with edgetl, whose rows do too
        raise InputError(f"{profile}: was calibrated from {path.name}, which is not beside it. Fit it again: edgetl device fit.")
    return atlases.unversioned(read_rows(path)), Known(load_device(str(profile)), found)


def fit(source: Path, name: str, folder: Path, tell: Callable[[str], None]) -> tuple[Path, tuple[Calibrated, ...]]:
    """Make a profile from rows.

    Args:
        source: CSV with the columns of devices/measurements, of one device.
        name: of the new profile.
        folder: where it goes.
        tell: called with what is being done.

    Returns:
        The profile's file, and its calibrations.

    Raises:
        InputError: the rows do not hold, are of several devices or too few, or the file is there already.
    """
    rows = atlases.unversioned(read_rows(source))
    names = sorted({row.setting.device for row in rows})
    if name in atlases.known_devices():
        raise InputError(f"--name: {name} comes with edgetl; choose another, so that it is clear which one answers.")
    if not rows:
        raise InputError(f"{source}: holds no row.")
    if len(names) != 1:
        raise InputError(f"{source}: is about {len(names)} devices ({', '.join(names[:4])}); give one at a time.")
    path = folder / f"{name}.yaml"
    if path.exists():
        raise InputError(f"{path}: is there already; choose another --name, or remove it.")
    found: list[Calibrated] = []
    few = []
    for pool in sorted({pools.pool_of(row.setting) for row in rows}):
        own = [row for row in rows if pools.pool_of(row.setting) == pool]
        sizes = {setting: sum(row.setting == setting for row in own) for setting in {row.setting for row in own}}
        few += [f"{s.runtime} {s.precision} on the {s.accelerator}: {n} row(s)" for s, n in sizes.items() if n < MIN_ROWS]
        own = [row for row in own if sizes[row.setting] >= MIN_ROWS]
        if not own:
            continue
        known = {s for device in atlases.known_devices().values() for s in device.settings()}
        others = [row for row in atlases.shipped_rows(pool) if row.setting in known and row.setting.device != names[0]]
        learned = atlases.learned().get(pool)
        strengths = Strengths(**learned["strengths"]) if learned else Strengths()
        published = publish.publish(pool, [*others, *own], strengths, tell)
        found += [published.calibrated[setting] for setting in sorted({row.setting for row in own})]
    if not found:
        raise InputError(f"{source}: no setting has {MIN_ROWS} rows.", few)
    _write(path, name, names[0], rows, source, tuple(found))
    return path, tuple(found)


def _write(path: Path, name: str, device: str, rows: tuple[Row, ...], source: Path, found: tuple[Calibrated, ...]) -> None:
    formats = sorted(
        {"onnx" if one.runtime.startswith("onnx") else "coreml" if one.runtime == "coreml" else "tflite" for one in found}
    )
    threads = max((one.threads for one in found), default=0) or UNSTATED_THREADS
    text = f"""# Made by `edgetl device fit` from {source.name}. Complete it: what it is, what an artifact may cost on it.
schema: 1
name: {name}
title: {_quoted(device)}
measured_as: [{_quoted(device)}]

os: {{family: {"ios" if formats == ["coreml"] else "android"}, released: not stated, source: not stated}}
soc: {{name: not stated, source: not stated}}
formats:
"""
    runtimes = {"tflite": "LiteRT", "onnx": "ONNX Runtime", "coreml": "part of the system"}
    text += "".join(f"  - {{format: {f}, runtime: {runtimes[f]}, source: {_quoted(source.name)}}}\n" for f in formats)
    text += f"""
threads: {threads}
budget:
  latency_p90_ms: 33
  reason: 30 frames a second of live camera leave 33 ms; edgetl's guess, on {threads} core(s). Change it.
"""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.write_text(text, encoding="utf-8")
    write_calibrations(draft, found)
    shutil.copyfile(source, rows_beside(path))
    os.replace(draft, path)


def _quoted(text: str) -> str:
    import json

    return json.dumps(text, ensure_ascii=False)
