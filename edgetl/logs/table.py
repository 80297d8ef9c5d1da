"""A plain table (CSV) of timings taken elsewhere: one row a statistic, one reading for rows that differ in nothing else."""

from __future__ import annotations

from edgetl.errors import InputError, did_you_mean
from edgetl.logs._text import MAX_ROWS, number
from edgetl.reading import Reading, Statistics, checked

TITLE = "CSV with columns device, runtime, latency_ms and others; many devices and models a file."
SOURCE = "edgetl's own: the columns under which published measurements are kept"

_REQUIRED = ("device", "runtime", "latency_ms")
_COLUMNS = (
    *_REQUIRED, "runtime_version", "accelerator", "threads", "precision", "model", "alpha", "input_size", "statistic", "notes",
    "date", "artifact_sha256",
)  # fmt: skip
_STATISTICS = {
    **{name: name for name in ("min", "p5", "p50", "p90", "p95", "p99", "p999", "max", "mean", "sd")},
    "median": "p50",
    "average": "mean",
    "not stated": "unstated",
    "": "unstated",
}


def recognises(head: str, name: str) -> bool:
    """See `LogModule.recognises`."""
    columns = head.split("\n", 1)[0].strip().lstrip("\ufeff").split(",")
    return set(_REQUIRED) <= {column.strip().strip('"') for column in columns}


def read(text: str, where: str) -> tuple[Reading, ...]:
    """See `LogModule.read`."""
    import csv  # `edgetl list` imports this module, and must start at once
    import io

    rows = csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline=""), strict=True)
    groups: dict[tuple[str, ...], dict[str, float]] = {}
    places: dict[tuple[str, ...], str] = {}
    try:
        columns = [cell.strip() for cell in next(rows, [])]
        _check_columns(columns, where)
        for row in rows:
            place = f"{where}:{rows.line_num}"
            if not row:
                continue
            if len(row) != len(columns):
                raise InputError(f"{place}: expected {len(columns)} cells, found {len(row)}. The file is damaged, or cut off.")
            cells = {column: cell.strip() for column, cell in zip(columns, row, strict=True)}
            _take(cells, groups, places, place)
    except csv.Error as error:
        raise InputError(f"{where}:{rows.line_num}: is not CSV: {error}.") from error
    if not groups:
        raise InputError(f"{where}: has no rows.")
    return tuple(checked(_reading(key, groups[key], places[key]), places[key]) for key in groups)


def _check_columns(columns: list[str], where: str) -> None:
    faults = [
        f"{where}:1: unknown column '{column}'. {did_you_mean(column, _COLUMNS)}" for column in columns if column not in _COLUMNS
    ]
    faults += [f"{where}:1: column '{column}' is given twice." for column in sorted(set(columns)) if columns.count(column) > 1]
    faults += [f"{where}:1: column '{column}' is missing." for column in _REQUIRED if column not in columns]
    if faults:
        raise InputError(f"{where}: cannot be read as a table of timings.", faults)


def _take(
    cells: dict[str, str], groups: dict[tuple[str, ...], dict[str, float]], places: dict[tuple[str, ...], str], place: str
) -> None:
    """Add one row to the reading that it belongs to."""
    for column in _REQUIRED:
        if not cells[column]:
            raise InputError(f"{place}: '{column}' is empty.")
    word = cells.get("statistic", "").lower()
    if word not in _STATISTICS:
        raise InputError(f"{place}: statistic: '{word[:40]}' is not known. {did_you_mean(word, filter(None, _STATISTICS))}")
    key = tuple(cells.get(column, "") for column in _COLUMNS if column not in ("latency_ms", "statistic"))
    if key not in groups and len(groups) >= MAX_ROWS:
        raise InputError(f"{place}: more than {MAX_ROWS} readings; give a part of the table.")
    places.setdefault(key, place)
    stated = groups.setdefault(key, {})
    if _STATISTICS[word] in stated:
        raise InputError(f"{place}: states the same as an earlier row, {places[key]}; give each run a date or a note of its own.")
    stated[_STATISTICS[word]] = number(cells["latency_ms"], place)


def _reading(key: tuple[str, ...], stated: dict[str, float], place: str) -> Reading:
    cells = dict(zip((column for column in _COLUMNS if column not in ("latency_ms", "statistic")), key, strict=True))
    threads = cells["threads"]
    if threads and not (threads.isdecimal() and threads.isascii() and len(threads) < 6):
        raise InputError(f"{place}: threads: must be a whole number, not {threads[:40]!r}.")
    notes = [f"{column} {cells[column]}" for column in ("alpha", "input_size") if cells[column]]
    return Reading(
        statistics_ms=Statistics(**stated),
        runtime=cells["runtime"].lower(),
        runtime_version=cells["runtime_version"] or None,
        accelerator=cells["accelerator"].lower() or None,
        threads=int(threads) if threads else None,
        device=cells["device"],
        model=cells["model"] or None,
        artifact_sha256=cells["artifact_sha256"].lower() or None,
        precision=cells["precision"] or None,
        date=cells["date"] or None,
        notes=(*notes, *([cells["notes"]] if cells["notes"] else [])),
    )
