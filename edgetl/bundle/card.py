"""The model card: what the model is for, what it was made of, how good it is, and how each of that is known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from edgetl import registry
from edgetl.bundle import plain
from edgetl.bundle.names import HTML, MARKDOWN

_TEMPLATES = Path(__file__).parent / "templates"
KNOWN_BY = {
    "imported": "another tool's log",
    "estimated": "estimate from published measurements",
    "emulated": "an emulated processor",
    "host": "the computer that made it",
    "reference": "the file evaluated in software, not run by what an app runs it with",
}
"""How a figure is known, in words."""


def write(
    folder: Path,
    manifest: Mapping[str, Any],
    evaluation: Mapping[str, Any] | None,
    licences: Mapping[str, Any],
    steps: Sequence[str],
) -> None:
    """Write `card.md` and `card.html`.

    Args:
        folder: of the bundle; the recipe lies in it.
        manifest: all of it but `files`.
        evaluation: what `edgetl.evaluation.evaluate` returned; None where no photo has a label.
        licences: content of licences.json.
        steps: what is done to a photo, in sentences (`preprocess.describe`).
    """
    import jinja2

    devices = dict.fromkeys(v["device"] for v in manifest["verdicts"] if v["device"] is not None)
    told = {
        "m": manifest,
        "evaluation": evaluation,
        "licences": licences,
        "recipe_sha256": plain.digest((folder / manifest["provenance"]["recipe"]["path"]).read_bytes()),
        "devices": {name: judged(manifest, name) for name in devices},
        "gates": judged(manifest, None),
        "quantization": [_quantization(artifact) for artifact in manifest["artifacts"]],
        "rates": _rates(evaluation),
        "known": known,
        "steps": steps,
    }
    for name, escape in ((MARKDOWN, False), (HTML, True)):
        environment = jinja2.Environment(
            loader=jinja2.FileSystemLoader(_TEMPLATES),
            autoescape=escape,
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            keep_trailing_newline=True,
        )
        environment.filters |= {"cell": _cell, "share": _share, "mb": lambda size: f"{size / 1e6:.2f} MB"}
        text = environment.get_template(name).render(told)
        (folder / name).write_bytes(text.encode())


def known(evidence: str | None, gate: str = "") -> str:
    """Say in words how a figure is known.

    Args:
        evidence: see `types.Evidence`; None = it is not known.
        gate: what is judged by it; "" for an accuracy.
    """
    if evidence == "measured":
        where = {"latency_p90_ms": "on the device", "peak_memory_mib": "on the device", "size_mb": "of the file"}
        return f"measured {where.get(gate, 'on the test images')}"
    return "not known" if evidence is None else KNOWN_BY[evidence]


def judged(manifest: Mapping[str, Any], device: str | None) -> list[dict[str, Any]]:
    """List the verdicts for a device; what was skipped of an artifact is one line.

    Args:
        manifest: its `verdicts` and `artifacts`.
        device: its name; None = the gates that no device decides.

    Returns:
        Lines, by artifact: `file`, `gate`, `limit`, `outcome`, `evidence`, `reason`.
    """
    lines = []
    for artifact in manifest["artifacts"]:
        place = (device, artifact["format"], artifact["scheme"])
        file = f"{artifact['format']}/{artifact['scheme']}"
        own = [{**v, "file": file} for v in manifest["verdicts"] if (v["device"], v["format"], v["scheme"]) == place]
        skipped = [v for v in own if v["outcome"] == "skipped"]
        lines += [v for v in own if v["outcome"] != "skipped"]
        if skipped:
            gates, reasons = (dict.fromkeys(v[name] for v in skipped) for name in ("gate", "reason"))
            lines.append({**skipped[0], "gate": ", ".join(gates), "limit": "–", "evidence": None, "reason": " ".join(reasons)})
    return lines


def _quantization(artifact: Mapping[str, Any]) -> dict[str, Any]:
    scheme = registry.load("schemes", artifact["scheme"])
    return {
        "name": f"{artifact['format']}/{artifact['scheme']}",
        "title": scheme.TITLE,
        "weights": scheme.WEIGHT_BITS,
        "activations": scheme.ACTIVATION_BITS,
        "int8_mac_share": artifact["int8_mac_share"],
        "keep_float": artifact["keep_float"],
    }


def _rates(evaluation: Mapping[str, Any] | None) -> list[tuple[str, Mapping[str, Any]]]:
    """Figures of the float network, each with its interval."""
    if evaluation is None:
        return []
    several = "mean_average_precision" in evaluation
    names = (
        {"top1": "every label right", "mean_average_precision": "mean average precision", "micro_f1": "F1"}
        if several
        else {"top1": "top-1", "top5": f"top-{evaluation['top5_k']}", "balanced_accuracy": "balanced accuracy"}
    )
    return [(title, evaluation[name]) for name, title in {**names, "ece": "calibration error (ECE)"}.items()]


def _cell(value: Any) -> str:
    """Text for a cell of a Markdown table, or a line: nothing in it is taken for markup."""
    text = " ".join(str(value).split())
    for mark in "\\`*_[]<>|#":
        text = text.replace(mark, f"\\{mark}")
    return text


def _share(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"
