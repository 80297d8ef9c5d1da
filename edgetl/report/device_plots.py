"""A picture for each device: what every artifact costs there, between which bounds, and the budget as a line."""

from __future__ import annotations

import math
from collections.abc import Sequence

from edgetl.report import svg
from edgetl.types import Verdict

COLOUR_OF = {"measured": svg.COLOURS[2], "imported": svg.COLOURS[0], "estimated": svg.COLOURS[3]}
"""Colour of each grade of evidence."""
_BUDGET = svg.COLOURS[5]
_ROW_PX, _TOP_PX, _BOTTOM_PX, _LEFT_PX, _RIGHT_PX = 34, 40, 64, 150, 24


def latency(device: str, verdicts: Sequence[Verdict]) -> str | None:
    """Draw the verdicts on latency of one device; time runs to the right, on a logarithmic scale.

    Args:
        device: name of the profile.
        verdicts: any; those of the device and of `latency_p90_ms` with a value are drawn.

    Returns:
        SVG; None where nothing is known of any artifact.
    """
    shown = [v for v in verdicts if v.device == device and v.gate == "latency_p90_ms" and v.value is not None]
    if not shown:
        return None
    limit = shown[0].limit
    ends = [e for v in shown for e in (*(v.interval or ()), v.value) if e] + ([limit] if limit else [])
    low, high = beyond(min(ends), down=True), beyond(max(ends), down=False)
    page = svg.Page(title=f"{device}: p90 latency of each artifact, and the budget", x=float, y=float)
    page.height = _TOP_PX + _ROW_PX * len(shown) + _BOTTOM_PX
    span = page.width - _LEFT_PX - _RIGHT_PX
    page.x = lambda ms: _LEFT_PX + span * (math.log(ms) - math.log(low)) / (math.log(high) - math.log(low))
    page.y = float
    bottom = page.height - _BOTTOM_PX
    page.text(_LEFT_PX, 20, device, size_px=14)
    for tick in ticks(low, high):
        page.line([(tick, _TOP_PX - 8), (tick, bottom)], "currentColor", 1.0, 0.15)
        page.text(page.x(tick), bottom + 16, f"{tick:g}", "middle")
    page.text(_LEFT_PX + span / 2, bottom + 34, "p90 latency in ms", "middle")
    if limit:
        page.line([(limit, _TOP_PX - 8), (limit, bottom)], _BUDGET, 2.0)
        page.text(page.x(limit), _TOP_PX - 12, f"budget {limit:g}", "middle")
    for number, verdict in enumerate(shown):
        y = _TOP_PX + _ROW_PX * (number + 0.5)
        colour = COLOUR_OF.get(verdict.evidence or "", "currentColor")
        page.text(_LEFT_PX - 12, y + 4, f"{verdict.format}/{verdict.scheme}", "end")
        if verdict.interval is not None:
            page.line([(verdict.interval[0], y), (verdict.interval[1], y)], colour, 3.0, 0.55)
        assert verdict.value is not None
        page.dot(verdict.value, y, colour, 4.5)
        page.text(page.x(verdict.value), y - 8, f"{verdict.value:.3g} {verdict.outcome}", "middle", size_px=10)
    grades = [grade for grade in COLOUR_OF if any(v.evidence == grade for v in shown)]
    for number, grade in enumerate(grades):
        page.box(_LEFT_PX + 110 * number, page.height - 20, 10, 10, COLOUR_OF[grade])
        page.text(_LEFT_PX + 16 + 110 * number, page.height - 11, grade)
    return page.svg()


def beyond(value: float, *, down: bool) -> float:
    """Nearest of 1, 2, 5 times a power of ten beyond a value.

    Args:
        value: above 0.
        down: below it, not above.
    """
    steps = ticks(value / 10, value * 10)
    margin = value / 1.05 if down else value * 1.05
    return max(s for s in steps if s <= margin) if down else min(s for s in steps if s >= margin)


def ticks(low: float, high: float) -> list[float]:
    """1, 2 and 5 times powers of ten.

    Args:
        low: from here, above 0.
        high: to here.
    """
    first, last = math.floor(math.log10(low)) - 1, math.ceil(math.log10(high)) + 1
    steps = [float(f"{m}e{e}") for e in range(first, last + 1) for m in (1, 2, 5)]
    return [step for step in steps if low * 0.999 <= step <= high * 1.001]
