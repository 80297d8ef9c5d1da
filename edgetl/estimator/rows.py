"""Rows of published or own measurements: one network on one setting, and how long it took.

Input: a CSV file with the columns of `devices/measurements/`. Output: frozen `Row`s, or every fault of the file at once.
"""

from __future__ import annotations

import csv
import io
import math
from dataclasses import dataclass
from pathlib import Path

from edgetl.errors import InputError

REQUIRED = ("device", "runtime", "accelerator", "threads", "precision", "model", "alpha", "input_size")
OPTIONAL = (
    "source", "source_path", "commit", "license", "soc", "year", "runtime_version", "statistic", "notes", "date",
    "artifact_sha256",
)  # fmt: skip
MAX_BYTES, MAX_ROWS = 32 * 2**20, 100_000
_NOISY = ("CAVEAT",)
"""Marks in `notes` of a row that its own source, or the collection, doubts."""


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Setting:
    """What a latency depends on besides the network: one profile is fitted for each."""

    device: str
    """Name in the table of rows; profiles list theirs in `measured_as`."""
    runtime: str
    runtime_version: str
    """Empty where it is not told apart."""
    accelerator: str
    threads: int
    """0 where the source does not say."""
    precision: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One row."""

    setting: Setting
    model: str
    alpha: float | None
    """Width; None where the network has one width."""
    input_px: int | None
    """Side of the input in pixels; None: the network's usual one. A size of 1, which AI Hub writes where it knows
    none, is read as not stated."""
    latency_ms: float
    """0 in a row that asks."""
    noisy: bool = False
    """Its source doubts it; counts less."""
    source: str = ""


def read_rows(path: Path) -> tuple[Row, ...]:
    """Read a file of measured rows.

    Args:
        path: CSV, UTF-8, with a header.

    Returns:
        The rows in order.

    Raises:
        InputError: the file cannot be read, or does not hold; with every fault found.
    """
    faults: list[str] = []
    rows = [_row(line, True, faults, f"{path}:{number}") for number, line in _lines(path, (*REQUIRED, "latency_ms"))]
    if faults:
        raise InputError(f"{path}: {len(faults)} fault(s).", faults[:50])
    return tuple(row for row in rows if row is not None)


def read_questions(path: Path) -> tuple[Row | str, ...]:
    """Read a file of rows that ask for an estimate; a latency that stands there is not looked at.

    Args:
        path: CSV, UTF-8, with a header.

    Returns:
        One entry a row, in order: the row, or what is wrong with it.

    Raises:
        InputError: the file cannot be read, or its header does not hold.
    """
    found: list[Row | str] = []
    for number, line in _lines(path, REQUIRED):
        faults: list[str] = []
        row = _row(line, False, faults, f"line {number}")
        found.append(row if row is not None else " ".join(faults))
    return tuple(found)


def _lines(path: Path, wanted: tuple[str, ...]) -> list[tuple[int, dict[str, str | None]]]:
    """Lines of a table with their numbers, its header checked."""
    try:
        raw = path.read_bytes() if path.stat().st_size <= MAX_BYTES else None
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}.") from error
    if raw is None:
        raise InputError(f"{path}: is larger than {MAX_BYTES} bytes.")
    try:
        table = csv.DictReader(io.StringIO(raw.decode("utf-8-sig"), newline=""), strict=True)
        header = tuple(table.fieldnames or ())
        lines = [(table.line_num, line) for _, line in zip(range(MAX_ROWS + 1), table, strict=False)]
    except (UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path}: is not a table in CSV, UTF-8: {error}.") from error
    if len(lines) > MAX_ROWS:
        raise InputError(f"{path}: has more than {MAX_ROWS} rows.")
    lacking = [name for name in wanted if name not in header]
    strange = [name for name in header if name not in (*REQUIRED, *OPTIONAL, "latency_ms")]
    if lacking or strange or len(set(header)) != len(header):
        told = [f"column {name!r} is missing." for name in lacking]
        told += [f"column {name!r} is not known. Known: {', '.join((*REQUIRED, 'latency_ms', *OPTIONAL))}." for name in strange]
        raise InputError(f"{path}: the header does not hold.", told or ("a column is there twice.",))
    return lines


def _row(line: dict[str, str | None], measured: bool, faults: list[str], where: str) -> Row | None:
    if None in line or None in line.values():
        faults.append(f"{where}: has another number of cells than the header.")
        return None
    cells = {name: (value or "").strip() for name, value in line.items()}
    before = len(faults)
    for name in ("device", "runtime", "model"):
        if not cells[name]:
            faults.append(f"{where}: {name}: is empty.")

    def number(name: str, low: float, high: float, whole: bool = False) -> float | None:
        text = cells[name]
        if not text:
            return None
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not low <= value <= high or (whole and value != int(value)):
            faults.append(f"{where}: {name}: {text[:40]!r} is not a {'whole ' if whole else ''}number from {low:g} to {high:g}.")
            return None
        return value

    threads, px = number("threads", 1, 256, whole=True), number("input_size", 1, 4096, whole=True)
    alpha = number("alpha", 0.01, 16)
    latency = number("latency_ms", 1e-6, 1e7) if measured else 0.0
    if measured and latency is None and len(faults) == before:
        faults.append(f"{where}: latency_ms: is empty.")
    if len(faults) > before:
        return None
    setting = Setting(
        device=cells["device"],
        runtime=cells["runtime"],
        runtime_version=cells.get("runtime_version", ""),
        accelerator=cells["accelerator"] or "cpu",
        threads=int(threads or 0),
        precision=cells["precision"],
    )
    return Row(
        setting=setting,
        model=cells["model"],
        alpha=alpha,
        input_px=None if px is None or px == 1 else int(px),
        latency_ms=latency or 0.0,
        noisy=any(mark in cells.get("notes", "") for mark in _NOISY),
        source=cells.get("source", ""),
    )
