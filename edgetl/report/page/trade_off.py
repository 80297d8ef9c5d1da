"""Accuracy against latency on one device, both with their intervals, and the budget: a picture for the page."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from edgetl import stats
from edgetl.report import device_plots, svg
from edgetl.report.page.verdict_matrix import name_of

_STEPS = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2)
_MOST_TICKS, _MOST_LABELS = 6, 9
_BUDGET = svg.COLOURS[5]
_WIDTH_PX, _RIGHT_PX, _RADIUS_PX = 520, 20, 9.0


def draw(report: dict[str, Any], device: str, marks: Mapping[str, str]) -> str | None:
    """Draw the artifacts whose latency on a device is known and whose accuracy was measured.

    Args:
        report: content of report.json.
        device: name of the profile.
        marks: `format/scheme` → what stands in its dot.

    Returns:
        SVG: time to the right on a logarithmic scale, top-1 (agreement, where no photo has a label) upwards; a filled dot was
        measured or imported, an open one estimated. None where there is nothing to draw.
    """
    points = [p for p in (_point(report, artifact, device) for artifact in report["artifacts"]) if p is not None]
    if not points:
        return None
    limit = next((p["limit"] for p in points if p["limit"]), None)
    times = [t for p in points for t in (*p["times"], p["ms"]) if t > 0] + ([limit] if limit else [])
    x = device_plots.ticks(device_plots.beyond(min(times), down=True), device_plots.beyond(max(times), down=False))
    shares = [s for p in points for s in (*p["shares"], p["share"])]
    y = _shares(min(shares), max(shares))
    what = "top-1" if points[0]["labelled"] else "agreement"
    page = svg.axes(
        f"{device}: {what} against p90 latency", [(t, _label(t, len(x))) for t in x], y,
        "p90 latency in ms", "", bend=math.log, width_px=_WIDTH_PX, right_px=_RIGHT_PX,
    )  # fmt: skip
    if limit:
        page.line([(limit, y[0][0]), (limit, y[-1][0])], _BUDGET, 2.0)
        left = page.x(limit) > _WIDTH_PX / 2
        page.text(page.x(limit) + (-6 if left else 6), page.y(y[0][0]) - 8, f"budget {limit:g}", "end" if left else "start")
    for p in points:
        page.line([(t, p["share"]) for t in p["times"]], p["colour"], 2.5, 0.5)
        page.line([(p["ms"], s) for s in p["shares"]], p["colour"], 2.5, 0.5)
    for p in points:
        words = f"{p['name']}: {p['ms']:.3g} ms ({p['evidence']}), {what} {p['share']:.3f}"
        page.mark(p["ms"], p["share"], p["colour"], marks[p["name"]], words, _RADIUS_PX, hollow=p["evidence"] == "estimated")
    return page.svg()


def _point(report: dict[str, Any], artifact: dict[str, Any], device: str) -> dict[str, Any] | None:
    name = name_of(artifact)
    timed = next(
        (
            v
            for v in report["verdicts"]
            if (v["device"], v["gate"]) == (device, "latency_p90_ms") and name_of(v) == name and v["value"]
        ),
        None,
    )
    labelled = artifact["top1"] is not None
    share = artifact["top1"] if labelled else artifact["agreement"]
    if timed is None or share is None:
        return None
    n = (artifact.get("paired") or {}).get("n") or report["checkpoint"].get("n")
    schemes = list(dict.fromkeys(other["scheme"] for other in report["artifacts"]))
    return {
        "name": name,
        "ms": timed["value"],
        "times": [t for t in timed["interval"] or () if t > 0],
        "limit": timed["limit"],
        "evidence": timed["evidence"],
        "share": share,
        "shares": stats.wilson_interval(round(share * n), n) if n else (),
        "labelled": labelled,
        "colour": svg.COLOURS[schemes.index(artifact["scheme"]) % len(svg.COLOURS)],
    }


def _label(ms: float, of: int) -> str:
    """Powers of ten alone where there are many ticks."""
    return f"{ms:g}" if of <= _MOST_LABELS or f"{ms:e}".startswith("1.") else ""


def _shares(low: float, high: float) -> Sequence[tuple[float, str]]:
    """Ticks of a share that hold both ends."""
    step = next((s for s in _STEPS if (high - low) / s <= _MOST_TICKS - 2), _STEPS[-1])
    first, last = math.floor(low / step), math.ceil(high / step)
    digits = 1 if step < 0.01 else 0
    last = max(last, first + 1)
    return [(n * step, f"{n * step:.{digits}%}".replace("%", " %")) for n in range(first, last + 1)]
