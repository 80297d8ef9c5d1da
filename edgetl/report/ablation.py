"""What an ablation found: JSON, a Markdown table, a plot, and the same table in a terminal."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from edgetl.ablation import WAYS, Row, percent, summary
from edgetl.report import svg
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
                f"{percent(entry['share'])} ({entry['labelled']})",
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
        "`fine_tuned` took with the same labels; `frozen` and `scratch_converged` went on as long as validation improved.\n"
    )
    return "\n".join([told, *lines, ""])


def plot(found: dict[str, Any]) -> str:
    """Accuracy against the number of labels, one line a way, whiskers where there is an interval.

    Args:
        found: what `record` returned.

    Returns:
        SVG.
    """
    entries = found["summary"]
    counts = sorted({entry["labelled"] for entry in entries})
    ticks = [(n / 5, f"{n / 5:.1f}") for n in range(6)]
    title, across = "Top-1 against the number of labels", "labelled images (logarithmic)"
    page = svg.axes(title, [(float(c), str(c)) for c in counts], ticks, across, "top-1", bend=math.log)
    ways = [way for way in WAYS if any(entry["way"] == way for entry in entries)]
    for number, way in enumerate(ways):
        colour, own = svg.COLOURS[number], [entry for entry in entries if entry["way"] == way]
        page.line([(entry["labelled"], entry["top1"]) for entry in own], colour)
        for entry in own:
            if entry["seeds"] > 1:
                page.line([(entry["labelled"], entry[end]) for end in ("top1_low", "top1_high")], colour, 1.0)
            page.dot(entry["labelled"], entry["top1"], colour)
    svg.legend(page, [(way, svg.COLOURS[number]) for number, way in enumerate(ways)])
    return page.svg()


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
