"""Plots of a training and of its evaluation, as SVG: curves, reliability, confusion."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from edgetl.report import svg

_UNIT_TICKS = tuple((n / 5, f"{n / 5:.1f}") for n in range(6))
_MOST_CLASSES = 60
"""More classes are not told apart in a picture; evaluation.json has all of them."""


def curves(history: Sequence[dict[str, Any]]) -> str:
    """Validation top-1 over all epochs, phase by phase.

    Args:
        history: one entry an epoch: phase, val_top1 (absent where a phase has no labels).

    Returns:
        SVG.
    """
    count = len(history)
    step = max(1, count // 6)
    ticks = [(0.0, "0"), *((float(n), str(n)) for n in range(step, count - step // 2, step)), (float(count), str(count))]
    page = svg.axes("Validation top-1 over the epochs", ticks, _UNIT_TICKS, "epochs", "validation top-1")
    phases = list(dict.fromkeys(entry["phase"] for entry in history))
    for number, phase in enumerate(phases):
        points = [
            (float(n), entry["val_top1"])
            for n, entry in enumerate(history, start=1)
            if entry["phase"] == phase and "val_top1" in entry
        ]
        colour = svg.COLOURS[number % len(svg.COLOURS)]
        if points:
            page.line(points, colour)
            page.dot(*points[-1], colour)
    svg.legend(page, [(phase, svg.COLOURS[n % len(svg.COLOURS)]) for n, phase in enumerate(phases)])
    return page.svg()


def reliability(evaluation: dict[str, Any]) -> str:
    """Accuracy against confidence, as the network is and after temperature scaling; the diagonal is perfect.

    A dot's area is its share of the images (several labels: of the pairs of image and class): where few are, accuracy is chance.

    Args:
        evaluation: what `edgetl.evaluation.evaluate` returned.

    Returns:
        SVG.
    """
    page = svg.axes("Accuracy against confidence", _UNIT_TICKS, _UNIT_TICKS, "confidence", "accuracy")
    page.line([(0.0, 0.0), (1.0, 1.0)], "currentColor", 1.0, 0.6)
    entries = []
    for number, (name, part) in enumerate((("as it is", evaluation), ("calibrated", evaluation["calibrated"]))):
        colour = svg.COLOURS[number]
        for b in part["reliability"]:
            page.dot(
                b["confidence"],
                b["accuracy"],
                colour,
                2.0 + 14.0 * (b["count"] / evaluation.get("pairs", evaluation["n"])) ** 0.5,
            )
        entries.append((f"{name}, ECE {part['ece']['value']:.3f}", colour))
    svg.legend(page, entries)
    return page.svg()


def confusion(evaluation: dict[str, Any]) -> str | None:
    """How often each class is answered for each.

    Args:
        evaluation: what `edgetl.evaluation.evaluate` returned.

    Returns:
        SVG: a row for each right class, a column for each answer, shaded by the share of the row; None for too many classes, or
        several labels an image.
    """
    names = [entry["name"] for entry in evaluation["classes"]]
    if len(names) > _MOST_CLASSES or "confusion" not in evaluation:
        return None
    cell, left, top = max(14, min(44, 560 // len(names))), 150, 30
    page = svg.Page(title="Confusion of classes", x=float, y=float)
    page.width, page.height = left + cell * len(names) + 10, top + cell * len(names) + 140
    page.text(left + cell * len(names) / 2, 16, "answer", "middle")
    for row, (name, counts) in enumerate(zip(names, evaluation["confusion"], strict=True)):
        page.text(left - 6, top + cell * (row + 0.5) + 4, _short(name), "end", size_px=11)
        for column, count in enumerate(counts):
            share = count / (sum(counts) or 1)
            x, y = left + cell * column, top + cell * row
            page.box(x, y, cell - 1, cell - 1, svg.COLOURS[0] if row == column else svg.COLOURS[1], 0.06 + 0.8 * share)
            if count and cell >= 18:
                page.text(x + cell / 2, y + cell / 2 + 4, str(count), "middle", size_px=min(12, cell // 2))
    for column, name in enumerate(names):
        page.text(left + cell * (column + 0.5) + 4, top + cell * len(names) + 8, _short(name), "end", turned=True, size_px=11)
    return page.svg()


def _short(name: str) -> str:
    return name if len(name) <= 20 else name[:19] + "…"
