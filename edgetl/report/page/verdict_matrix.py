"""The verdict matrix of a page: a row for each artifact, a cell for the recipe's gates and for each device. Pure."""

from __future__ import annotations

import string
from typing import Any

from edgetl.report import rows
from edgetl.verdicts import worst

_ORDER = ("fail", "unsure", "pass", "skipped", "–")
_FIGURES = {"latency_p90_ms": ("{:.3g} ms", 1.0), "min_top1": ("{:.1f} %", 100.0), "min_agreement": ("{:.1f} %", 100.0)}
"""Gate → how its value stands in a cell; the first that was judged is shown."""


def name_of(record: dict[str, Any]) -> str:
    """`format/scheme` of an artifact, a verdict, or a row of a table."""
    return f"{record['format']}/{record['scheme']}"


def letters(report: dict[str, Any]) -> dict[str, str]:
    """One short mark for each artifact, the same all over the page: A to Z, then A1 to Z1.

    Args:
        report: content of report.json.

    Returns:
        `format/scheme` → mark.
    """
    names = [name_of(artifact) for artifact in report["artifacts"]]
    rounds = (f"{letter}{turn or ''}" for turn in range(len(names) // 26 + 1) for letter in string.ascii_uppercase)
    return dict(zip(names, rounds, strict=False))


def matrix(report: dict[str, Any]) -> dict[str, Any]:
    """Arrange the verdicts.

    Args:
        report: content of report.json.

    Returns:
        `places` (titles of columns) and `rows`, failures on top: `name`, `mark`, `outcome` and `cells`, each with `outcome`,
        `how` (how it is known), `figure` (the value that matters most, or None) and its `verdicts`.
    """
    devices: list[str | None] = [None, *rows.devices(report)]
    marks = letters(report)
    found = [_row(report, artifact, devices, marks[name_of(artifact)]) for artifact in report["artifacts"]]
    found.sort(key=lambda row: _ORDER.index(row["outcome"]))
    return {"places": [device or "gates" for device in devices], "rows": found}


def _row(report: dict[str, Any], artifact: dict[str, Any], devices: list[str | None], mark: str) -> dict[str, Any]:
    cells = [_cell(report, artifact, device) for device in devices]
    if artifact["status"] == "failed" or artifact["path"] is None:
        told = {
            "gate": "made",
            "outcome": "fail",
            "reason": artifact["reason"] or "was not made",
            "evidence": None,
            "images_needed": None,
        }
        cells[0] = {"outcome": "fail", "how": "", "figure": "not made", "verdicts": [told]}
    outcomes = [cell["outcome"] for cell in cells if cell["outcome"] != "–"]
    return {
        "name": name_of(artifact),
        "mark": mark,
        "outcome": worst(outcomes) if outcomes else "–",
        "cells": cells,
    }


def _cell(report: dict[str, Any], artifact: dict[str, Any], device: str | None) -> dict[str, Any]:
    own = [v for v in report["verdicts"] if name_of(v) == name_of(artifact) and v["device"] == device]
    own.sort(key=lambda v: _ORDER.index(v["outcome"]))
    grades = dict.fromkeys(v["evidence"] for gate in _FIGURES for v in own if v["gate"] == gate and v["evidence"])
    shown = next((v for gate in _FIGURES for v in own if v["gate"] == gate and v["value"] is not None), None)
    figure = None
    if shown is not None:
        text, times = _FIGURES[shown["gate"]]
        figure = text.format(shown["value"] * times)
    return {
        "outcome": rows.outcome(report, artifact, device),
        "how": ", ".join(grades),
        "figure": figure,
        "verdicts": own,
    }


def counts(found: dict[str, Any]) -> dict[str, int]:
    """How many cells have each outcome, the worst first.

    Args:
        found: what `matrix` returned.
    """
    cells = [cell["outcome"] for row in found["rows"] for cell in row["cells"]]
    return {outcome: cells.count(outcome) for outcome in _ORDER[:-1] if outcome in cells}
