"""The report as Markdown, for a pull request or a wiki."""

from __future__ import annotations

from typing import Any

from edgetl.report import rows


def text(report: dict[str, Any]) -> str:
    """Render the report.

    Args:
        report: content of report.json.

    Returns:
        GitHub-flavoured Markdown.
    """
    header = rows.header(report)
    lines = [
        f"# {report['recipe']['name']}",
        "",
        f"Float {report['checkpoint']['backbone']}: top-1 {report['checkpoint']['top1'] or 0.0:.3f} "
        f"on {report['checkpoint']['n']} test images. "
        "Times are of this host and say nothing about a phone.",
        "",
        _line(header),
        _line(["---"] * len(header)),
        *(_line(row) for row in rows.rows(report)),
        "",
    ]
    lines += [f"- {_escape(line)}" for line in rows.remarks(report)]
    lines += [f"- **failed:** {_escape(line)}" for line in report["failed"]]
    lines += ["", "| stage | target | status | seconds |", "|---|---|---|---:|"]
    lines += [f"| {s['name']} | {s['target']} | {s['status']} | {s['seconds']:.1f} |" for s in report["stages"]]
    return "\n".join(lines) + "\n"


def _line(cells: list[str]) -> str:
    return "| " + " | ".join(_escape(cell) for cell in cells) + " |"


def _escape(cell: str) -> str:
    return cell.replace("|", "\\|").replace("\n", " ")
