"""Figures of a run as rows for the page's tables and bars. Pure."""

from __future__ import annotations

from typing import Any

from edgetl.report import rows
from edgetl.report.page.verdict_matrix import letters, name_of

_MOST_CLASSES = 60
"""More classes are not told apart in a picture; report.json has all of them."""
_SHADES = 9


def headline(report: dict[str, Any], outcomes: dict[str, int]) -> dict[str, str]:
    """What the run came to, in one sentence.

    Args:
        report: content of report.json.
        outcomes: see `verdict_matrix.counts`.

    Returns:
        `outcome` and `words`.
    """
    if report["failed"]:
        count = len(report["failed"])
        return {"outcome": "fail", "words": f"{count} thing{'s' if count > 1 else ''} failed"}
    if outcomes.get("unsure"):
        return {"outcome": "unsure", "words": f"Nothing failed; {outcomes['unsure']} of {sum(outcomes.values())} cells unsure"}
    if not outcomes:
        return {"outcome": "skipped", "words": "Nothing was judged"}
    return {"outcome": "pass", "words": "Everything passed"}


def sizes(report: dict[str, Any]) -> list[dict[str, Any]]:
    """Sizes of the artifacts, the smallest delivery first.

    Args:
        report: content of report.json.

    Returns:
        `name`, `mark`, `size_mb`, `delivered_mb`, and both as a share of the largest file.
    """
    marks = letters(report)
    made = [a for a in report["artifacts"] if a["size_bytes"]]
    most = max((a["size_bytes"] for a in made), default=1)
    return [
        {
            "name": name_of(a),
            "mark": marks[name_of(a)],
            "size_mb": a["size_bytes"] / 1e6,
            "delivered_mb": a["delivered_bytes"] / 1e6,
            "size_share": a["size_bytes"] / most,
            "delivered_share": a["delivered_bytes"] / most,
        }
        for a in sorted(made, key=lambda a: float(a["delivered_bytes"]))
    ]


def timings(report: dict[str, Any]) -> list[dict[str, Any]]:
    """Host timings of the artifacts.

    Args:
        report: content of report.json.

    Returns:
        `name`, `runtime`, `threads`, `p50`, `p90`, `load_ms`, `first_ms`, `memory_mib`, `unstable` (why, or empty).
    """
    return [
        {
            "name": name_of(a),
            "runtime": b["runtime"],
            "threads": b["threads"],
            "p50": b["latency_ms"]["p50"],
            "p90": b["latency_ms"]["p90"],
            "load_ms": b["load_ms"],
            "first_ms": b["first_inference_ms"],
            "memory_mib": b["peak_memory_mib"],
            "unstable": "; ".join(b["unstable"]),
        }
        for a in report["artifacts"]
        for b in a["benchmark"]
    ]


def stages(report: dict[str, Any]) -> list[dict[str, Any]]:
    """Where the time of the run went, the longest first.

    Args:
        report: content of report.json.

    Returns:
        `name`, `status`, `seconds` and `share` of the longest.
    """
    most = max((s["seconds"] for s in report["stages"]), default=0.0) or 1.0
    ordered = sorted(report["stages"], key=lambda stage: -float(stage["seconds"]))
    return [{**s, "name": f"{s['name']} {s['target']}".strip(), "share": s["seconds"] / most} for s in ordered]


def quantized(report: dict[str, Any]) -> list[dict[str, Any]]:
    """What is known of the artifacts' arithmetic.

    Args:
        report: content of report.json.

    Returns:
        `name`, `mark`, `share` (of the multiply-accumulates in int8), `kept` (layers in float), `notes`, `sqnr_db`.
    """
    marks = letters(report)
    return [
        {
            "name": name_of(a),
            "mark": marks[name_of(a)],
            "path": a["path"],
            "share": a["int8_mac_share"] or 0.0,
            "kept": a["keep_float"],
            "notes": a["notes"],
            "sqnr_db": a.get("sqnr_db"),
        }
        for a in report["artifacts"]
        if a["path"]
    ]


def sensitivities(report: dict[str, Any]) -> list[dict[str, Any]]:
    """What rounding each layer costs, where a run measured it.

    Args:
        report: content of report.json.

    Returns:
        For each scheme: `scheme`, `words` (what stays in float and why) and `costs`, dearest first (`layer`, `what`, `sqnr_db`,
        `share` of the cheapest).
    """
    found = []
    for scheme, choice in (report.get("kept_in_float") or {}).items():
        costs = sorted(choice.get("sensitivity") or (), key=lambda cost: float(cost["sqnr_db"]))
        most = max((cost["sqnr_db"] for cost in costs), default=1.0) or 1.0
        told = [{**{k: c[k] for k in ("layer", "what", "sqnr_db")}, "share": max(0.0, c["sqnr_db"] / most)} for c in costs]
        found.append({"scheme": scheme, "words": rows.kept_in_float(choice), "costs": told})
    return found


def confusion(report: dict[str, Any]) -> dict[str, Any] | None:
    """How often each class is answered for each.

    Args:
        report: content of report.json.

    Returns:
        `names` and `rows` of cells (`count`, `shade` 0 to 9 by the share of the row, `right`); None where the run has none, or
        too many classes.
    """
    found = report.get("evaluation")
    if not found or "confusion" not in found or len(found["classes"]) > _MOST_CLASSES:
        return None
    names = [entry["name"] for entry in found["classes"]]
    table = []
    for row, counts in enumerate(found["confusion"]):
        of = sum(counts) or 1
        shades = [-(-_SHADES * count // of) for count in counts]
        table.append([{"count": c, "shade": s, "right": row == n} for n, (c, s) in enumerate(zip(counts, shades, strict=True))])
    return {"names": names, "rows": table}


def evaluation(report: dict[str, Any]) -> list[dict[str, Any]]:
    """Figures of the float network with their 95 % intervals.

    Args:
        report: content of report.json.

    Returns:
        `name`, `value`, `low`, `high`; none where the run did not evaluate.
    """
    found = report.get("evaluation")
    if not found:
        return []
    if "mean_average_precision" in found:
        several = {"every label right": "top1", "mean average precision": "mean_average_precision", "F1": "micro_f1"}
        told = {name: found[key] for name, key in several.items()}
    else:
        told = {"top-1": found["top1"], f"top-{found['top5_k']}": found["top5"], "balanced accuracy": found["balanced_accuracy"]}
    told["calibration error (ECE)"] = found["ece"]
    told[f"ECE at temperature {found['temperature']['value']:.2f}"] = found["calibrated"]["ece"]
    return [{"name": name, **{key: figure[key] for key in ("value", "low", "high")}} for name, figure in told.items()]


def least_recognised(report: dict[str, Any], count: int = 8) -> list[dict[str, Any]]:
    """The classes with the least recall.

    Args:
        report: content of report.json.
        count: how many.

    Returns:
        Entries of `evaluation.classes`.
    """
    seen = [c for c in (report.get("evaluation") or {}).get("classes", ()) if c["support"]]
    return sorted(seen, key=lambda c: float(c["recall"]["value"]))[:count]
