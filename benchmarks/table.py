"""The Markdown table of `benchmarks.int8`, from its raw values alone."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from typing import Any

HEADER = ("way", "top-1", "drop vs float", "MB", "p50 ms", "p50 ratio to own float", "conversion s", "peak MiB", "note")
NOTHING = "–"
_LEGEND = (
    "top-1: mean ± sd over seeds, each file in its own runtime. drop: mean over seeds.",
    "p50: first seed, one thread, all files in one process taking turns; the ratio is the median over rounds, with its bootstrap "
    "95 % interval.",
    "conversion: a fresh process from the float network to the file, imports included (in brackets: conversion alone), training "
    "left out; peak: resident memory of that process. Medians over seeds.",
)


def text(result: dict[str, Any]) -> str:
    """Write the table, with what its columns mean below it.

    Args:
        result: what `benchmarks.int8` measured (the content of its `--json`).

    Returns:
        Markdown.
    """
    seeds = result["seeds"]
    lines = [f"| {' | '.join(HEADER)} |", f"|{'---|' * len(HEADER)}"]
    lines += [f"| {' | '.join(cells(way, len(seeds)))} |" for way in result["ways"]]
    images = f"One of {result['n']} test images is {1 / result['n']:.4f}." if result["n"] else ""
    lines += [
        "",
        f"{result['recipe']}, seeds {', '.join(map(str, seeds))}. Float network: top-1 {_spread(result['float_top1'])}. {images}",
        *_LEGEND,
        "",
        *(f"- `{way['name']}`: {way['title']}" for way in result["ways"] if way["by"] == "hand"),
    ]
    return "\n".join(lines)


def cells(way: dict[str, Any], seeds: int) -> list[str]:
    """Write one row.

    Args:
        way: one of `ways`.
        seeds: how many there should be.

    Returns:
        Cells in the order of `HEADER`.
    """
    runs = way["runs"]
    made = [run for run in runs if run.get("size_bytes")]
    ran = [run for run in runs if run.get("top1") is not None]
    wall = _median([run["wall_s"] for run in runs if run.get("convert_s") is not None])
    alone = _median([run["convert_s"] for run in runs if run.get("convert_s") is not None])
    peak = _median([run["peak_mib"] for run in runs if run.get("peak_mib") is not None])
    train = _median([run["train_s"] for run in runs if run.get("train_s") is not None])
    size, times = _median([run["size_bytes"] for run in made]), way.get("latency")
    return [
        f"**edgetl {way['name']}**" if way["by"] == "edgetl" else f"`{way['name']}`",
        _spread([run["top1"] for run in ran]),
        f"{statistics.mean(run['drop'] for run in ran) + 0.0:+.4f}" if ran else NOTHING,
        f"{size / 1e6:.2f}" if size is not None else NOTHING,
        f"{times['p50_ms']:.3f}" if times else NOTHING,
        f"{times['ratio']:.2f} ({times['ratio_low']:.2f}–{times['ratio_high']:.2f})" if times and "ratio" in times else NOTHING,
        f"{wall:.1f} ({alone:.1f})" if wall is not None and alone is not None else NOTHING,
        f"{peak:.0f}" if peak is not None else NOTHING,
        "; ".join(filter(None, (f"trained in {train:.0f} s" if train is not None else "", _notes(runs, seeds)))).replace(
            "|", "\\|"
        ),
    ]


def _notes(runs: Sequence[dict[str, Any]], seeds: int) -> str:
    """Each distinct remark once; with the seeds it holds for when these are not all."""
    told: dict[str, list[int]] = {}
    for run in runs:
        for remark in [*run.get("notes", ()), *([run["why"]] if run.get("why") else [])]:
            told.setdefault(remark, []).append(run["seed"])
    return "; ".join(
        remark if len(held) == seeds else f"{remark} (seed {', '.join(map(str, held))})" for remark, held in told.items()
    )


def _spread(values: Sequence[float]) -> str:
    if not values:
        return NOTHING
    if len(values) == 1:
        return f"{values[0]:.4f}"
    return f"{statistics.mean(values):.4f} ± {statistics.stdev(values):.4f}"


def _median(values: Sequence[float]) -> float | None:
    return statistics.median(values) if values else None
