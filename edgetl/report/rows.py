"""The table that people read: one row an artifact, one column a device; shared by the terminal and Markdown."""

from __future__ import annotations

from typing import Any

from edgetl.types import Outcome
from edgetl.verdicts import worst

_REFERENCE = "accuracy is reference: the file was evaluated in software, operation by operation, and not run by Core ML itself"
_NORMALISES = "normalises by itself: its input takes the picture's bytes as float32"
_CLOSE = 0.99
"""Agreement of two files of the same integers below which the report says why they differ. Our choice."""


def header(report: dict[str, Any]) -> list[str]:
    """Column titles; the devices come last."""
    return ["artifact", "top-1", "drop", "agree", "size MB", "delivered MB", "host p50 ms", *devices(report)]


def devices(report: dict[str, Any]) -> list[str]:
    """Names of the judged devices, in order."""
    return list(dict.fromkeys(v["device"] for v in report["verdicts"] if v["device"] is not None))


def rows(report: dict[str, Any]) -> list[list[str]]:
    """One row for each artifact; the cells of devices hold an outcome.

    Args:
        report: content of report.json.

    Returns:
        Cells as text, in the order of `header`. "–" where there is no value; the report's `reason` says why.
    """
    found = []
    for artifact in report["artifacts"]:
        fastest = next((b for b in artifact["benchmark"] if b["threads"] == 1), None)
        cells = [
            f"{artifact['format']}/{artifact['scheme']}",
            _number(artifact["top1"], 3),
            _number(artifact["top1_drop"], 3, sign=True),
            _number(artifact["agreement"], 3),
            _megabytes(artifact["size_bytes"]),
            _megabytes(artifact["delivered_bytes"]),
            _number(fastest["latency_ms"]["p50"] if fastest else None, 2),
        ]
        found.append([*cells, *(outcome(report, artifact, device) for device in devices(report))])
    return found


def outcome(report: dict[str, Any], artifact: dict[str, Any], device: str | None) -> str:
    """Worst outcome of an artifact on one device (None: of the recipe's gates); "–" when nothing was judged."""
    judged: list[Outcome] = [
        v["outcome"]
        for v in report["verdicts"]
        if (v["format"], v["scheme"], v["device"]) == (artifact["format"], artifact["scheme"], device)
    ]
    return worst(judged) if judged else "–"


def remarks(report: dict[str, Any]) -> list[str]:
    """Sentences that explain the table: each distinct reason once, with the artifacts it holds for."""
    told: dict[str, list[str]] = {}
    for artifact in report["artifacts"]:
        name = f"{artifact['format']}/{artifact['scheme']}"
        kept = report.get("kept_in_float", {}).get(artifact["scheme"])
        if kept:
            told.setdefault(kept_in_float(kept), []).append(name)
        if artifact.get("normalise") == "graph":
            told.setdefault(_NORMALISES, []).append(name)
        if artifact["reason"]:
            told.setdefault(f"{artifact['status']}: {artifact['reason']}", []).append(name)
        if artifact.get("evidence") == "reference":
            told.setdefault(_REFERENCE, []).append(name)
        against = artifact["against_origin"]
        if against:
            steps = "equal to the bit" if not against["max_steps"] else f"at most {against['max_steps']} step(s) apart"
            what = f"the same integers as {against['format']}/{artifact['scheme']}; logits on {against['n']} images {steps}, "
            told.setdefault(f"{what}agreement {against['agreement']:.4f}{_why_apart(artifact)}", []).append(name)
        if artifact.get("flips"):
            changed = (
                f"{artifact['paired']['changed']} of {artifact['paired']['n']} images get another answer than from the float"
            )
            told.setdefault(f"{changed} network; report.md and flips/ show them", []).append(name)
        for timing in artifact["benchmark"]:
            if timing["unstable"]:
                told.setdefault("host timing is unstable (report.json says why)", []).append(f"{name} ×{timing['threads']}")
    unknown = [v for v in report["verdicts"] if v["device"] and v["outcome"] == "unsure" and v["evidence"] is None]
    for v in report["verdicts"]:
        if v["outcome"] in ("fail", "unsure") and v not in unknown:
            place = v["device"] or "gate"
            told.setdefault(f"{place} {v['gate']} {v['outcome']}: {v['reason']}", []).append(f"{v['format']}/{v['scheme']}")
    lines = [f"{', '.join(dict.fromkeys(names))}: {what}" for what, names in told.items()]
    if unknown:
        gates = ", ".join(dict.fromkeys(v["gate"] for v in unknown))
        places = ", ".join(dict.fromkeys(v["device"] for v in unknown))
        lines.append(f"unsure: {gates} on {places}: nothing was measured there yet, and a figure of this host does not count")
    return lines


def bundled(facts: dict[str, Any]) -> str:
    """Say which bundle was made, and who answers for it.

    Args:
        facts: `bundle` of report.json: `path`, `sha256`, `signed_by`.
    """
    key = facts.get("signed_by")
    return f"{facts['path']}, sha256 {facts['sha256']}, {f'signed by key {key}' if key else 'not signed'}"


def _why_apart(artifact: dict[str, Any]) -> str:
    """Say why two files of the same integers answer otherwise, where they do so more than now and then."""
    against = artifact["against_origin"]
    if against["agreement"] >= _CLOSE:
        return ""
    if artifact["format"] != "coreml":
        return f": the kernels of the two runtimes, {against['runtime']} one of them, round the same sums otherwise"
    first = against.get("first_difference")
    if first is None:
        return ": no operation alone differs; roundings add up"
    cause = "its scales are in half precision, so it rounds otherwise" if first["steps"] <= 1 else "more than rounding makes"
    where = f"{first['tensor']}, by up to {first['steps']:g} step(s) in {first['share']:.1%} of its values"
    return f": {cause}. First tensor that differs, given what the other file has before it: {where}"


def kept_in_float(choice: dict[str, Any]) -> str:
    """Say what stays in float and why.

    Args:
        choice: an entry of the report's `kept_in_float`.

    Returns:
        One sentence, without a full stop.
    """
    names = ", ".join(choice["units"]) or "nothing"
    if choice["asked"] != "auto":
        return f"kept in float, as asked: {names}"
    before, after, allowed = choice["before"], choice["after"], _number(choice["allowed"], 3)
    drop = _number(before["drop"], 3, sign=True)
    lost = f"all in int8, top-1 drops by {drop} on {before['n']} validation images, {allowed} allowed"
    if not choice["units"] and choice["met"]:
        return f"kept in float: nothing; {lost}"
    dearest = [cost for cost in choice["sensitivity"] if set(cost["units"]) & set(choice["units"])][:1]
    why = "".join(f"; dearest: the {c['what']} of {c['layer']}, {c['sqnr_db']:.1f} dB signal to noise" for c in dearest)
    low, high = after["interval"]
    left = f"so {_number(after['drop'], 3, sign=True)} (95 % interval {low:+.3f} to {high:+.3f})"
    if choice["met"]:
        return f"kept in float: {names}; {lost}, {left}{why}"
    return (
        f"kept in float: {names}, which is not enough; {lost}, {left}{why}. Half of the layers at most may stay in float; "
        "train with the rounding (w8a8_qat), allow more, or take another scheme"
    )


def _megabytes(size_bytes: int | None) -> str:
    return _number(size_bytes / 1e6 if size_bytes else None, 2)


def _number(value: float | None, digits: int, *, sign: bool = False) -> str:
    if value is None:
        return "–"
    return f"{value + 0.0:+.{digits}f}" if sign else f"{value:.{digits}f}"
