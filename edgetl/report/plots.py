"""Plots of a training and of its evaluation, as SVG: curves, reliability, confusion."""

from __future__ import annotations

import math
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
    page = svg.axes("Validation top-1 over the epochs", _epochs(len(history)), _UNIT_TICKS, "epochs", "validation top-1")
    phases = list(dict.fromkeys(entry["phase"] for entry in history))
    for number, phase in enumerate(phases):
        colour = svg.COLOURS[number % len(svg.COLOURS)]
        points = _points(history, "val_top1", phase)
        if points:
            page.line(points, colour)
            page.dot(*points[-1], colour)
    svg.legend(page, [(phase, svg.COLOURS[n % len(svg.COLOURS)]) for n, phase in enumerate(phases)])
    return page.svg()


def losses(history: Sequence[dict[str, Any]]) -> str | None:
    """Loss on training and validation images over all epochs; phases are told apart by colour, validation is the strong line.

    Args:
        history: one entry an epoch: phase, loss, val_loss (absent where a phase has no labels).

    Returns:
        SVG; None where no loss is finite.
    """
    seen = [v for entry in history for key in ("loss", "val_loss") if (v := entry.get(key)) is not None and math.isfinite(v)]
    if not seen:
        return None
    step = 10.0 ** math.floor(math.log10(max(*seen, 1e-6)))
    step = next(s for s in (step / 5, step / 2, step, 2 * step, 5 * step) if max(seen) <= 6 * s)
    ticks = [(n * step, f"{n * step:g}") for n in range(max(1, math.ceil(max(seen) / step)) + 1)]
    page = svg.axes("Loss over the epochs", _epochs(len(history)), ticks, "epochs", "loss")
    phases = list(dict.fromkeys(entry["phase"] for entry in history))
    entries = []
    for number, phase in enumerate(phases):
        colour = svg.COLOURS[number % len(svg.COLOURS)]
        page.line(_points(history, "loss", phase), colour, 1.5, 0.55)
        page.line(_points(history, "val_loss", phase), colour, 2.5)
        entries += [(f"{phase}, validation", colour)]
    svg.legend(page, [*entries, ("thin: training", "currentColor")])
    return page.svg()


def _epochs(count: int) -> list[tuple[float, str]]:
    step = max(1, count // 6)
    return [(0.0, "0"), *((float(n), str(n)) for n in range(step, count - step // 2, step)), (float(count), str(count))]


def _points(history: Sequence[dict[str, Any]], key: str, phase: str) -> list[tuple[float, float]]:
    own = [(float(n), entry[key]) for n, entry in enumerate(history, start=1) if entry["phase"] == phase and key in entry]
    return [(n, value) for n, value in own if math.isfinite(value)]


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
