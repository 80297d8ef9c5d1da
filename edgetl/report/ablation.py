"""What an ablation found: JSON, a Markdown table, a plot, and the same table in a terminal."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from edgetl.ablation import WAYS, Row, summary
from edgetl.types import SCHEMA, to_json

_HEADER = ("labels", "way", "top-1", "95 % interval", "seeds", "epochs", "CPU s")


def record(name: str, rows: Sequence[Row]) -> dict[str, Any]:
    """Put rows and summary into one record.

    Args:
        name: of the recipe.
        rows: one a training.

    Returns:
        The content of ablation.json.
    """
    return {"schema": SCHEMA, "recipe": name, "summary": summary(rows), "trainings": [to_json(row) for row in rows]}


def table(found: dict[str, Any]) -> list[list[str]]:
    """One row for each share and way.

    Args:
        found: what `record` returned.

    Returns:
        Cells as text, the header first.
    """
    rows = [list(_HEADER)]
    for entry in found["summary"]:
        interval = f"{entry['top1_low']:.3f}–{entry['top1_high']:.3f}" if entry["seeds"] > 1 else "–"
        rows.append(
            [
                f"{entry['share']:.0%} ({entry['labelled']})",
                entry["way"],
                f"{entry['top1']:.3f}",
                interval,
                str(entry["seeds"]),
                f"{entry['epochs']:.0f}",
                f"{entry['cpu_seconds']:.1f}",
            ]
        )
    return rows


def markdown(found: dict[str, Any]) -> str:
    """The table as Markdown, with what must be known to read it.

    Args:
        found: what `record` returned.

    Returns:
        The text.
    """
    header, *rows = table(found)
    lines = ["| " + " | ".join(row) + " |" for row in (header, ["---"] * len(header), *rows)]
    test = found["trainings"][0]["n"] if found["trainings"] else 0
    told = (
        f"# {found['recipe']}: what transfer is worth\n\nMean top-1 over seeds on the same {test} test images; the interval is "
        "Student's t over the seeds and does not hold the chance of the test images. `scratch` was given the CPU time that "
        "`fine_tuned` took with the same labels, `scratch_converged` as long as validation improved.\n"
    )
    return "\n".join([told, *lines, ""])


def plot(found: dict[str, Any], px: tuple[int, int] = (640, 400)) -> str:
    """Accuracy against the number of labels, one line a way, whiskers where there is an interval.

    Args:
        found: what `record` returned.
        px: width and height.

    Returns:
        SVG.
    """
    import math

    width, height = px
    left, right, top, bottom = 56, 170, 16, 44
    entries = found["summary"]
    counts = [entry["labelled"] for entry in entries]
    low, high = math.log(min(counts)), math.log(max(counts))

    def x(count: int) -> float:
        return left + (math.log(count) - low) / ((high - low) or 1.0) * (width - left - right)

    def y(value: float) -> float:
        return top + (1.0 - value) * (height - top - bottom)

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img" font-family="sans-serif" '
        f'font-size="12" fill="currentColor" stroke="none"><title>Top-1 against the number of labels</title>'
    ]
    for tick in (0.0, 0.2, 0.4, 0.6, 0.8, 1.0):
        parts.append(
            f'<line x1="{left}" x2="{width - right}" y1="{y(tick):.1f}" y2="{y(tick):.1f}" stroke="currentColor" opacity="0.2"/>'
            f'<text x="{left - 8}" y="{y(tick) + 4:.1f}" text-anchor="end">{tick:.1f}</text>'
        )
    for count in sorted(set(counts)):
        parts.append(f'<text x="{x(count):.1f}" y="{height - bottom + 18}" text-anchor="middle">{count}</text>')
    middle = (left + width - right) / 2
    parts.append(f'<text x="{middle:.0f}" y="{height - 6}" text-anchor="middle">labelled images (logarithmic)</text>')
    parts.append(f'<text transform="translate(14 {height / 2:.0f}) rotate(-90)" text-anchor="middle">top-1</text>')
    colours = {"scratch": "#c2410c", "scratch_converged": "#a16207", "frozen": "#0369a1", "fine_tuned": "#15803d"}
    for number, way in enumerate(w for w in WAYS if any(e["way"] == w for e in entries)):
        own = [entry for entry in entries if entry["way"] == way]
        points = " ".join(f"{x(e['labelled']):.1f},{y(e['top1']):.1f}" for e in own)
        colour = colours[way]
        parts.append(f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2"/>')
        for e in own:
            if e["seeds"] > 1:
                ends = f'y1="{y(e["top1_low"]):.1f}" y2="{y(e["top1_high"]):.1f}"'
                parts.append(f'<line x1="{x(e["labelled"]):.1f}" x2="{x(e["labelled"]):.1f}" {ends} stroke="{colour}"/>')
            parts.append(f'<circle cx="{x(e["labelled"]):.1f}" cy="{y(e["top1"]):.1f}" r="3.5" fill="{colour}"/>')
        place = top + 20 + 20 * number
        parts.append(f'<rect x="{width - right + 14}" y="{place - 9}" width="12" height="12" fill="{colour}"/>')
        parts.append(f'<text x="{width - right + 32}" y="{place + 2}">{way}</text>')
    return "\n".join([*parts, "</svg>", ""])


def write(folder: Path, found: dict[str, Any]) -> None:
    """Write ablation.json, ablation.md and ablation.svg; each whole or not at all.

    Args:
        folder: where to; made when it is not there.
        found: what `record` returned.
    """
    folder.mkdir(parents=True, exist_ok=True)
    texts = {
        "ablation.json": json.dumps(found, indent=1, ensure_ascii=False) + "\n",
        "ablation.md": markdown(found),
        "ablation.svg": plot(found),
    }
    for name, text in texts.items():
        temporary = folder / f".{name}.writing"
        temporary.write_text(text, encoding="utf-8")
        temporary.replace(folder / name)


def show(found: dict[str, Any], console: Any) -> None:
    """Print the table.

    Args:
        found: what `record` returned.
        console: a rich Console on standard output.
    """
    from rich.table import Table

    header, *rows = table(found)
    drawn = Table(box=None, pad_edge=False, header_style="bold")
    for number, title in enumerate(header):
        drawn.add_column(title, justify="left" if number < 2 else "right", no_wrap=True)
    for row in rows:
        drawn.add_row(*row)
    console.print(drawn)
