"""The report of a converted model that came without a recipe: a run's record, and what is told of it."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgetl import evaluation, multilabel, parity
from edgetl.report import coverage, flips, rows

if TYPE_CHECKING:
    from edgetl.pipeline import Results

_LABELLED: dict[str, Any] = {"top1": None, "top1_drop": None, "paired": None, "flips": []}
"""Figures of an artifact that mean nothing where no photo has a label, and what stands for them."""
_STYLES = {"pass": "green", "fail": "bold red", "unsure": "yellow", "skipped": "dim"}


def told(report: dict[str, Any], adopted: dict[str, Any], work: Path, results: Results) -> dict[str, Any]:
    """Turn a run's record into that of a conversion.

    Args:
        report: from `edgetl.report.record.build`.
        adopted: what the stage `adopt` answered.
        work: folder of the conversion, with what its stages wrote.
        results: of the stages.

    Returns:
        The content of report.json: as of a run, but `recipe.file` is None, and `model` says where it came from.
    """
    source, labelled = report["recipe"], adopted["labelled"]
    for artifact in report["artifacts"]:
        name = f"{artifact['format']}/{artifact['scheme']}"
        artifact["sqnr_db"] = _sqnr(work, name, several=adopted["several"]) if artifact["status"] == "verified" else None
        artifact |= {} if labelled else _LABELLED
    verified = [answer for label, answer in results.answers.items() if label.startswith("verify ") and "reference_top1" in answer]
    top1 = verified[0]["reference_top1"] if labelled and verified else None
    images = {"calibration": adopted["calibration_images"], "verification": adopted["verification_images"]}
    return {
        **{key: value for key, value in report.items() if key not in ("training", "evaluation", "bundle")},
        "recipe": {"name": source["name"], "file": None, "sha256": None, "overrides": []},
        "model": {
            "file": Path(source["file"]).name,
            "sha256": source["sha256"],
            "original": adopted["original"],
            "max_abs_err": adopted["max_abs_err"],
            "notes": adopted["notes"],
        },
        "kept_in_float": adopted["kept_in_float"],
        "preprocess": adopted["preprocess"],
        "answers": {"labels_per_image": "several" if adopted["several"] else "one"},
        "data": {
            "classes": adopted["class_names"],
            "images": images,
            "labelled": labelled,
            "skipped": [],
            "warnings": adopted["warnings"],
        },
        "checkpoint": {
            "backbone": source["name"],
            "weights": Path(source["file"]).name,
            "top1": top1,
            "n": images["verification"],
        },
    }


def _sqnr(work: Path, name: str, *, several: bool) -> float | None:
    """Signal to quantization noise of an artifact's probabilities against the original's, in dB; None where they are equal."""
    import numpy as np

    outputs = work / f"verify-{name.replace('/', '_')}" / "outputs.npy"
    with np.load(work / "adopt" / "checkpoint" / "answers.npz", allow_pickle=False) as file:
        logits = file["logits"]
    wanted = multilabel.sigmoid(logits) if several else evaluation.softmax(logits)
    found = parity.sqnr_db(wanted, np.load(outputs, allow_pickle=False))
    return found if math.isfinite(found) else None


def header(report: dict[str, Any]) -> list[str]:
    """Column titles; the devices come last."""
    return ["artifact", "agree", "max error", "SQNR dB", "top-1", "drop", "size MB", "gates", *rows.devices(report)]


def cells(report: dict[str, Any]) -> list[list[str]]:
    """One row for each artifact, in the order of `header`; "–" where there is no value."""
    found = []
    for artifact in report["artifacts"]:
        figures = [
            (artifact["agreement"], ".4f"), (artifact["max_abs_err"], ".2g"), (artifact["sqnr_db"], ".1f"),
            (artifact["top1"], ".3f"), (artifact["top1_drop"], "+.3f"),
            (artifact["size_bytes"] / 1e6 if artifact["size_bytes"] else None, ".2f"),
        ]  # fmt: skip
        text = ["–" if value is None else format(value + 0.0, style) for value, style in figures]
        outcomes = [rows.outcome(report, artifact, device) for device in (None, *rows.devices(report))]
        found.append([f"{artifact['format']}/{artifact['scheme']}", *text, *outcomes])
    return found


def summary(report: dict[str, Any]) -> list[str]:
    """What is said above the table: the network, its proof, how a photo reaches it, what the files were tested on."""
    model, images, spec = report["model"], report["data"]["images"], report["preprocess"]
    off = model["max_abs_err"]
    proof = (
        f"run by {model['original']}" if off is None else f"made anew, at most {off:.2g} from what {model['original']} answers"
    )
    top1 = report["checkpoint"]["top1"]
    right = f"; its top-1 is {top1:.3f}" if top1 is not None else "; no labels, so the files are held against its answers alone"
    return [
        f"{model['file']}: {len(report['data']['classes'])} classes, {proof}{right}",
        f"input: shorter side {spec['resize_px']} px, centre {spec['crop_px']}, (byte - {spec['mean']:g}) / {spec['std']:g}, RGB",
        f"photos: {images['calibration']} for calibration, {images['verification']} tested",
        *model["notes"],
        *(f"mind: {warning}" for warning in report["data"]["warnings"]),
    ]


def text(report: dict[str, Any]) -> str:
    """Render the report as Markdown.

    Args:
        report: content of report.json.

    Returns:
        GitHub-flavoured Markdown.
    """
    lines = [f"# {report['recipe']['name']}", "", *(f"- {_escape(line)}" for line in summary(report)), ""]
    table = [header(report), ["---"] * len(header(report)), *cells(report)]
    lines += [f"| {' | '.join(map(_escape, row))} |" for row in table]
    lines += [
        "",
        *(f"- {_escape(line)}" for line in rows.remarks(report)),
        *(f"- **failed:** {_escape(f)}" for f in report["failed"]),
    ]
    lines += [*flips.markdown(report), *coverage.lines(report["coverage"])]
    return "\n".join(lines) + "\n"


def show(report: dict[str, Any], console: Any) -> None:
    """Print the table and what must be said about it.

    Args:
        report: content of report.json.
        console: a rich Console on standard output.
    """
    from rich.table import Table
    from rich.text import Text

    for line in summary(report):
        console.print(line, highlight=False, markup=False, soft_wrap=True)
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    for number, title in enumerate(header(report)):
        table.add_column(title, justify="right" if 0 < number < 7 else "left", no_wrap=True)
    for row in cells(report):
        table.add_row(*(Text(cell, style=_STYLES.get(cell, "")) for cell in row))
    console.print(table)
    for line in rows.remarks(report):
        console.print(f"• {line}", highlight=False, markup=False, soft_wrap=True)
    for line in report["failed"]:
        console.print(Text(f"✗ {line}", style="red"), soft_wrap=True)


def _escape(cell: str) -> str:
    return cell.replace("|", "\\|").replace("\n", " ")
