"""What `edgetl bench` found of files, in a terminal: one line a file and thread count, what is doubtful below."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

HEADER = ("file", "threads", "p50 ms", "p90 ms", "load ms", "first ms", "cold start ms", "peak MiB", "MB", "delivered MB")
"""Line breaks where a space is, in all but the first."""
NOTHING = "–"
_TOP = 5
"""Operators that a profile lists."""
_NARROW = 120
"""Columns below which a file gets a sentence, not a row."""


def rows(result: dict[str, Any]) -> list[list[str]]:
    """One row a file and thread count, in the order of `HEADER`.

    Args:
        result: what `edgetl.timing.files.bench` returned.

    Returns:
        Cells as text; a file that failed has no figures.
    """
    found = []
    for row in result["files"]:
        sizes = [f"{row[key] / 1e6:.2f}" for key in ("size_bytes", "delivered_bytes")]
        figures = [NOTHING] * 6
        if "error" not in row:
            memory, cold = row["peak_memory_mib"], row["cold_start_ms"]
            figures = [
                *(_spread(row[key]) for key in ("p50_ms", "p90_ms")),
                *(_short(row[key]) for key in ("load_ms", "first_inference_ms")),
                f"{_short(cold['median'])} (≤ {_short(cold['max'])})",
                f"{memory['median']:.1f}" if memory else NOTHING,
            ]
        found.append([Path(row["file"]).name, str(row["threads"]), *figures, *sizes])
    return found


def remarks(result: dict[str, Any]) -> list[str]:
    """Sentences below the table.

    Args:
        result: as above.

    Returns:
        What was asked for besides, then what is doubtful.
    """
    told, doubts = [], []
    for row in result["files"]:
        name = f"{Path(row['file']).name} ×{row['threads']}"
        if "error" in row:
            doubts.append(f"{name}: failed: {row['error']}")
            continue
        told += [text if text.startswith(" ") else f"{name}: {text}" for text in _more(row)]
        if row["warnings"]:
            doubts.append(f"{name}: doubtful: {'; '.join(row['warnings'])}")
        if row.get("sustained", {}).get("warnings"):
            doubts.append(f"{name}: sustained run disturbed: {'; '.join(row['sustained']['warnings'])}")
    for duel in result["comparisons"]:
        told.append(duel["sentence"])
        told.append(
            f"  ratio {duel['ratio']:.3f} ({duel['low']:.3f}–{duel['high']:.3f}), noise floor {duel['floor'] - 1:.1%}: a file "
            f"against itself; {len(duel['round_ratios'])} rounds, {duel['threads']} thread{'s' * (duel['threads'] > 1)}"
        )
    return [*told, *doubts, *(f"failed: {why}" for why in result["failed"])]


def _more(row: dict[str, Any]) -> list[str]:
    found = []
    if "photo" in row:
        p = {name: value["p50"] for name, value in row["photo"].items()}
        found.append(
            f"before the network {p['before_ms']:.2f} ms (decode {p['decode_ms']:.2f}, resize and crop {p['fit_ms']:.2f}, "
            f"normalise {p['normalise_ms']:.2f}), network {row['p50_ms']['value']:.2f} ms, after it {p['after_ms']:.3f} ms"
        )
    if "sustained" in row:
        s = row["sustained"]
        low, high = s["p99_interval_ms"]
        found.append(
            f"{s['seconds']:.0f} s without a pause, {s['count']} inferences: p50 {_short(s['p50_ms'])}, "
            f"p99 {_short(s['p99_ms'])} ({_short(low)}–{_short(high)}), slowest {_short(s['max_ms'])} ms; "
            f"last tenth over first tenth {s['drift']:.3f} ({s['drift_low']:.3f}–{s['drift_high']:.3f})"
        )
    if "profile" in row:
        operators = row["profile"]["operators"]
        found.append(row["profile"]["sentence"])
        dearest = sorted(range(len(operators)), key=lambda n: -operators[n]["share"])[:_TOP]
        found += [f"  {operators[n]['share']:5.1%}  {n + 1:>3}  {operators[n]['kind']}: {operators[n]['name']}" for n in dearest]
    return found


def show(result: dict[str, Any], console: Any) -> None:
    """Print the table and the sentences.

    Args:
        result: as above.
        console: a rich Console on standard output.
    """
    first = next((row for row in result["files"] if "error" not in row), None)
    if first is not None:
        cores = f", pinned to core {_listed(first['cores'])}" if first["cores"] and len({*_threads(result)}) == 1 else ""
        console.print(f"{result['host']['cpu']}, {first['engine']}{cores}; times of this host", highlight=False, soft_wrap=True)
    if console.width < _NARROW:
        for name, threads, p50, p90, load, start, cold, peak, size, delivered in rows(result):
            console.print(
                f"{name} ×{threads}: p50 {p50} ms, p90 {p90}; load {load}, first {start}, cold start {cold}; "
                f"peak {peak} MiB; {size} MB, {delivered} delivered",
                highlight=False,
                markup=False,
                soft_wrap=True,
            )
    else:
        _table(result, console)
    for line in remarks(result):
        console.print(line, highlight=False, markup=False, soft_wrap=True)


def _table(result: dict[str, Any], console: Any) -> None:
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    for number, title in enumerate(HEADER):
        table.add_column(title.replace(" ", "\n", 1), justify="right" if number else "left", no_wrap=True)
    for row in rows(result):
        table.add_row(*row)
    console.print(table, highlight=False, markup=False)


def _threads(result: dict[str, Any]) -> list[int]:
    return [row["threads"] for row in result["files"]]


def _listed(numbers: Sequence[int]) -> str:
    return " and ".join(map(str, numbers))


def _spread(found: dict[str, float]) -> str:
    return f"{_short(found['value'])} ({_short(found['low'])}–{_short(found['high'])})"


def _short(value: float) -> str:
    """Three digits that count."""
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}" if value >= 1 else f"{value:.3f}"
