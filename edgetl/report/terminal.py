"""The report in a terminal."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from edgetl.report import rows

_FIGURES = 7
"""Columns before the first device."""
_LESS, _NARROW = "delivered MB", 92
"""Column that is left out on a terminal of fewer columns."""
_STYLES = {"pass": "green", "fail": "bold red", "unsure": "yellow", "skipped": "dim"}


def show(report: dict[str, Any], console: Any, folder: Path) -> None:
    """Print the table and what must be said about it.

    Args:
        report: content of report.json.
        console: a rich Console on standard output.
        folder: that the report and the bundle lie in.
    """
    from rich.table import Table
    from rich.text import Text

    checkpoint, images = report["checkpoint"], report["data"]["images"]
    top1 = "–" if checkpoint["top1"] is None else f"{checkpoint['top1']:.3f}"
    console.print(
        f"{report['recipe']['name']}: {len(report['data']['classes'])} classes, images {images.get('train')} train, "
        f"{images.get('val')} val, {images.get('test')} test; float {checkpoint['backbone']} top-1 {top1}",
        highlight=False,
        soft_wrap=True,
    )
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 1, 0, 0))
    titles = rows.header(report)
    hidden = titles.index(_LESS) if console.width < _NARROW else -1
    for number, title in enumerate(titles):
        if number == hidden:
            continue
        words = title.split(" ", 1) if number < _FIGURES else title.split("-", 1)
        table.add_column("\n".join(words), justify="right" if 0 < number < _FIGURES else "left", no_wrap=True)
    for row in rows.rows(report):
        table.add_row(*(Text(cell, style=_STYLES.get(cell, "")) for number, cell in enumerate(row) if number != hidden))
    console.print(table)
    if report.get("evaluation"):
        console.print(evaluated(report["evaluation"]), highlight=False, soft_wrap=True)
    for line in rows.remarks(report):
        console.print(f"• {line}", highlight=False, markup=False, soft_wrap=True)
    for line in report["failed"]:
        console.print(Text(f"✗ {line}", style="red"), soft_wrap=True)
    if report["bundle"]:
        console.print(f"bundle: {folder / rows.bundled(report['bundle'])}", highlight=False, markup=False, soft_wrap=True)


def evaluated(found: dict[str, Any]) -> str:
    """One line about the float network.

    Args:
        found: what `edgetl.evaluation.evaluate` returned.

    Returns:
        Its top-1 with interval, calibration and worst class.
    """
    top1, seen = found["top1"], [entry for entry in found["classes"] if entry["support"]]
    worst = min(seen, key=lambda entry: entry["recall"]["value"])
    several = found.get("mean_average_precision")
    main = "top-1" if several is None else f"mean average precision {several['value']:.3f}, every label right (shown as top-1)"
    calibrated = f"{found['calibrated']['ece']['value']:.3f} at temperature {found['temperature']['value']:.2f}"
    return (
        f"float: {main} {top1['value']:.3f} ({top1['low']:.3f}–{top1['high']:.3f}), "
        f"calibration error {found['ece']['value']:.3f} ({calibrated}); "
        f"least recognised: {worst['name']} ({worst['recall']['successes']} of {worst['support']})"
    )
