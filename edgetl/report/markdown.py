"""The report as Markdown, for a pull request or a wiki."""

from __future__ import annotations

from typing import Any

from edgetl.report import coverage, flips, rows


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
    lines += flips.markdown(report)
    seen = dict.fromkeys(v["device"] for v in report["verdicts"] if v["gate"] == "latency_p90_ms" and v["value"] is not None)
    if seen:
        lines += ["", "## Devices", "", *(f"![p90 latency on {name}, and its budget](devices/{name}.svg)" for name in seen)]
    lines += coverage.lines(report.get("coverage", ()))
    if report.get("evaluation"):
        lines += ["", "## Evaluation of the float network", "", *evaluation(report["evaluation"])]
    lines += ["", "| stage | target | status | seconds |", "|---|---|---|---:|"]
    lines += [f"| {s['name']} | {s['target']} | {s['status']} | {s['seconds']:.1f} |" for s in report["stages"]]
    return "\n".join(lines) + "\n"


def evaluation(found: dict[str, Any]) -> list[str]:
    """Render what `edgetl.evaluation.evaluate` returned.

    Args:
        found: it.

    Returns:
        Lines of Markdown: the figures with their 95 % intervals, and the classes that are recognised least.
    """
    several = "mean_average_precision" in found
    one = () if several else (("top-1", "top1"), (f"top-{found['top5_k']}", "top5"), ("balanced accuracy", "balanced_accuracy"))
    many = (
        ("every label right (shown as top-1)", "top1"),
        ("mean average precision", "mean_average_precision"),
        ("F1", "micro_f1"),
    )
    rates = [
        *((name, found[key]) for name, key in (many if several else one)),
        ("calibration error (ECE)", found["ece"]),
        (f"the same at temperature {found['temperature']['value']:.2f}", found["calibrated"]["ece"]),
    ]
    lines = [_line(["figure", "value", "95 % interval"]), _line(["---"] * 3)]
    lines += [_line([name, f"{r['value']:.3f}", f"{r['low']:.3f}–{r['high']:.3f}"]) for name, r in rates]
    abstain = found["abstain"]
    wanted = f"{abstain['wanted_precision']:g}"
    if abstain["threshold"] is None:
        lines += ["", f"Abstaining for a precision of {wanted}: {_escape(abstain['reason'])}."]
    else:
        precision, coverage = abstain["precision"], abstain["coverage"]
        subject, whole = ("Classes", "test images' labels") if several else ("Answers", "test images")
        told = "none" if precision["value"] is None else f"{precision['value']:.3f} of them right"
        lines += [
            "",
            f"{subject} of a calibrated confidence of at least {abstain['threshold']:.3f} (chosen on validation for a precision "
            f"of {wanted}): {coverage['value']:.3f} of the {whole}, {told}.",
        ]
    seen = [entry for entry in found["classes"] if entry["support"]]
    worst = sorted(seen, key=lambda entry: entry["recall"]["value"])[:5]
    lines += ["", _line(["least recognised", "recall", "95 % interval", "test images"]), _line(["---"] * 4)]
    lines += [
        _line(
            [e["name"], f"{e['recall']['value']:.3f}", f"{e['recall']['low']:.3f}–{e['recall']['high']:.3f}", str(e["support"])]
        )
        for e in worst
    ]
    return lines


def _line(cells: list[str]) -> str:
    return "| " + " | ".join(_escape(cell) for cell in cells) + " |"


def _escape(cell: str) -> str:
    return cell.replace("|", "\\|").replace("\n", " ")
