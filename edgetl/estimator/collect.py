"""Choose from a collection of published rows those that profiles are calibrated from, and sort them into pools.

Input: a CSV file with the columns of `devices/measurements/` and any devices. Output: one file a pool, rows and source columns as
they were; and how many rows were left out, for which reason. A row is left out for what its source says of it, never for its
value.
"""

from __future__ import annotations

import csv
import io
import os
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from edgetl.errors import InputError
from edgetl.estimator import pool as pools
from edgetl.estimator.rows import Setting
from edgetl.networks import _find as networks

PRECISIONS = (
    "fp32",
    "fp16",
    "int8",
    "w8a8",
    "w8a16",
    "fp16/fp32 auto",
    "fp16 weights (float CPU compute)",
    "fp16 (armv82 backend)",
)
"""Precisions that say what is computed; palettes and sparse weights, mixed widths and unstated ones do not."""
MIN_SETTING_ROWS, MIN_POOL_ROWS = 4, 24
"""Fewest rows of a setting, and of a pool."""


def why_not(line: Mapping[str, str], devices: frozenset[str]) -> str | None:
    """Say why a row is left out; None when it is taken.

    Args:
        line: cells by column.
        devices: published names that some profile claims.
    """
    notes = line["notes"]
    old = line["runtime"] == "tflite" and line["year"].isdigit() and int(line["year"]) < 2020
    try:
        networks.draw(line["model"], float(line["alpha"] or 1.0), int(line["input_size"]) if line["input_size"] else None)
        drawn = True
    except (InputError, ValueError):
        drawn = False
    reasons = (
        (line["device"] not in devices, "no profile claims the device"),
        (old, "TFLite before 2020, two to five times slower than what came after"),
        (line["precision"] not in PRECISIONS, "its precision does not say what is computed"),
        ("fp32 much slower than int8" in notes, "implausible: its float rows are far slower than its int8 rows"),
        ("abi=armv7" in notes, "32-bit code; the same device has 64-bit rows"),
        ("overclock" in line["soc"].lower(), "the processor was overclocked"),
        (not drawn, "its network's layers are not known"),
    )
    return next((reason for hit, reason in reasons if hit), None)


def collect(source: Path, devices: frozenset[str], folder: Path) -> tuple[dict[str, int], dict[str, int]]:
    """Write one file a pool.

    Args:
        source: the collection.
        devices: see `why_not`.
        folder: where the files go; pools that were there before are removed.

    Returns:
        Rows taken by pool, and rows left out by reason.
    """
    with source.open(encoding="utf-8", newline="") as file:
        table = csv.DictReader(file)
        header = tuple(table.fieldnames or ())
        lines = list(table)
    left: Counter[str] = Counter()
    sorted_in: dict[str, list[tuple[Setting, dict[str, str]]]] = {}
    for line in lines:
        reason = why_not(line, devices)
        if reason:
            left[reason] += 1
            continue
        setting = pools.without_version(
            Setting(
                device=line["device"],
                runtime=line["runtime"],
                runtime_version=line["runtime_version"],
                accelerator=line["accelerator"],
                threads=int(line["threads"] or 0),
                precision=line["precision"],
            )
        )
        sorted_in.setdefault(pools.pool_of(setting), []).append((setting, line))
    folder.mkdir(parents=True, exist_ok=True)
    for path in folder.glob("*.csv"):
        path.unlink()
    taken: dict[str, int] = {}
    for pool, found in sorted(sorted_in.items()):
        sizes = Counter(setting for setting, _ in found)
        kept = [line for setting, line in found if sizes[setting] >= MIN_SETTING_ROWS]
        left["fewer than 4 rows of its setting, or 24 of its pool"] += len(found) - (
            len(kept) if len(kept) >= MIN_POOL_ROWS else 0
        )
        if len(kept) < MIN_POOL_ROWS:
            continue
        text = io.StringIO(newline="")
        writer = csv.DictWriter(text, header, lineterminator="\n")
        writer.writeheader()
        writer.writerows(kept)
        draft = folder / f".{pool}.csv"
        draft.write_text(text.getvalue(), encoding="utf-8")
        os.replace(draft, folder / f"{pool}.csv")
        taken[pool] = len(kept)
    return taken, dict(left.most_common())
