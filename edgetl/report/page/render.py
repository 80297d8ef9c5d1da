"""The report as one HTML page that needs no network: report.json and the pictures beside it → `report.html`.

Everything that a recipe, a class or a file may be called is escaped by the template; what is marked safe is drawn or written
here. A policy in the page's head lets only this very style and script act, whatever else got in.
"""

from __future__ import annotations

import base64
import hashlib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from edgetl import __version__
from edgetl.errors import InputError
from edgetl.report import device_plots, flips, plots, rows
from edgetl.report.page import figures, pictures, trade_off, verdict_matrix
from edgetl.types import Verdict, from_json

NAME = "report.html"
_HERE = Path(__file__).resolve().parent
GLYPHS = {"pass": "✓", "fail": "✕", "unsure": "?", "skipped": "–"}


def write(report: dict[str, Any], folder: Path, out: Path | None = None) -> Path:
    """Write the page, whole or not at all.

    Args:
        report: content of report.json.
        folder: of the report; its pictures are taken into the page.
        out: file to write; `report.html` in the folder when None.

    Returns:
        The file.

    Raises:
        InputError: the record is not what edgetl writes.
    """
    goal = out or folder / NAME
    text = html(report, folder)
    draft = goal.with_name(f".{goal.name}.{os.getpid()}")
    draft.write_bytes(text.encode("utf-8", "replace"))  # lone surrogates, which JSON can hold and a file cannot
    os.replace(draft, goal)
    return goal


def html(report: dict[str, Any], folder: Path, trial: Mapping[str, Any] | None = None) -> str:
    """Render the page.

    Args:
        report: content of report.json.
        folder: of the report.
        trial: for the page as it is served: `names` of the ONNX files that can be tried, and `missing`, why there are none, or
            "". None = the page as a file.

    Returns:
        HTML.

    Raises:
        InputError: the record is not what edgetl writes.
    """
    from jinja2 import Environment, FileSystemLoader, StrictUndefined, UndefinedError
    from markupsafe import Markup

    style, script = ((_HERE / name).read_text(encoding="utf-8") for name in ("style.css", "page.js"))
    world = Environment(
        loader=FileSystemLoader(_HERE), autoescape=True, undefined=StrictUndefined, trim_blocks=True, keep_trailing_newline=True
    )
    try:
        return world.get_template("page.html").render(
            **_content(report, folder, Markup),
            report={"model": None, "training": [], "evaluation": None, "coverage": [], **report},
            served=trial is not None,
            trial=trial,
            style=Markup(style),
            script=Markup(script),
            csp=None if trial is not None else _policy(style, script),
            glyphs=GLYPHS,
            version=__version__,
            figure=_figure,
            duration=_duration,
        )
    except (UndefinedError, TypeError, KeyError, ValueError, AttributeError, IndexError, ArithmeticError) as error:
        raise InputError(f"{folder / 'report.json'}: is not what edgetl writes ({error!r}); run the recipe again.") from error


def _content(report: dict[str, Any], folder: Path, safe: Any) -> dict[str, Any]:
    found = verdict_matrix.matrix(report)
    outcomes, marks = verdict_matrix.counts(found), verdict_matrix.letters(report)
    judged = [from_json(Verdict, v) for v in report["verdicts"]]
    evaluation, history = report.get("evaluation"), report.get("training") or []
    quantized = figures.quantized(report)
    charts = {
        "curves": plots.curves(history) if any("val_top1" in entry for entry in history) else None,
        "losses": plots.losses(history) if history else None,
        "reliability": plots.reliability(evaluation) if evaluation else None,
    }
    devices = rows.devices(report)
    return {
        **{name: safe(picture) if picture else None for name, picture in charts.items()},
        "matrix": found,
        "outcomes": outcomes,
        "marks": marks,
        "headline": figures.headline(report, outcomes),
        "top1": _top1(report),
        "formats": list(dict.fromkeys(a["format"] for a in report["artifacts"])),
        "seconds": sum(stage["seconds"] for stage in report["stages"]),
        "cached": sum(stage["status"] == "cached" for stage in report["stages"]),
        "remarks": rows.remarks(report),
        "trade_offs": [(d, safe(p)) for d in devices if (p := trade_off.draw(report, d, marks))],
        "latencies": [(d, safe(p)) for d in devices if (p := device_plots.latency(d, judged))],
        "sizes": figures.sizes(report),
        "timings": figures.timings(report),
        "stages": figures.stages(report),
        "quantized": quantized,
        "noisy": any(q["sqnr_db"] is not None for q in quantized),
        "sensitivities": figures.sensitivities(report),
        "confusion": figures.confusion(report),
        "least": figures.least_recognised(report),
        "evaluated": figures.evaluation(report),
        "pairs": [(verdict_matrix.name_of(a), flips.cells(a["paired"])) for a in report["artifacts"] if a.get("paired")],
        "sheets": pictures.sheets(report, folder),
        "kinds": flips.KINDS,
        "facts": _facts(report),
        "provenance": report.get("provenance"),
    }


def _top1(report: dict[str, Any]) -> dict[str, Any] | None:
    known = (report.get("evaluation") or {}).get("top1")
    if known:
        return {name: known[name] for name in ("value", "low", "high")}
    value = report["checkpoint"]["top1"]
    return None if value is None else {"value": value, "low": None, "high": None}


def _facts(report: dict[str, Any]) -> list[tuple[str, str]]:
    """What a report says of its origins, as terms and facts."""
    recipe, model, steps = report["recipe"], report.get("model"), report["preprocess"]
    made = report.get("provenance") or {}
    told = [("model", f"{model['file']}, sha256 {model['sha256']}")] if model else []
    told += [("recipe", f"{Path(recipe['file']).name}, sha256 {recipe['sha256']}")] if recipe["file"] else []
    told += [("overrides", ", ".join(map(str, recipe["overrides"])))] if recipe["overrides"] else []
    told += [
        ("backbone", f"{report['checkpoint']['backbone']}, {report['checkpoint']['weights']}"),
        (
            "preparation",
            f"shorter side {steps['resize_px']} px ({steps['interpolation']}), centre {steps['crop_px']} px, "
            f"(byte - {steps['mean']:g}) / {steps['std']:g}, {steps['channel_order']}",
        ),
        ("photos skipped", str(len(report["data"]["skipped"]))),
    ]
    told += [("made by", f"edgetl {made['edgetl']}, Python {made['python']}, {made['system']}")] if made else []
    told += [("bundle", rows.bundled(b))] if (b := report.get("bundle")) else []
    return [*told, *(("mind", str(warning)) for warning in report["data"]["warnings"])]


def _policy(style: str, script: str) -> str:
    """Only this style and this script; pictures from the page itself; nothing from anywhere else."""
    own = [base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in (style, script)]
    return (
        f"default-src 'none'; img-src data:; style-src 'sha256-{own[0]}'; script-src 'sha256-{own[1]}'; "
        "base-uri 'none'; form-action 'none'"
    )


def _figure(value: float | None) -> str:
    return "–" if value is None else f"{value:.4g}"


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s" if minutes else f"{rest} s"
