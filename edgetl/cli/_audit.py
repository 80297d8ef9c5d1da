"""How an inspection looks on a terminal: the verdict and its findings, the facts, and the table of operators."""

from __future__ import annotations

from collections import Counter
from typing import Any

_MARKS = {"error": ("✗", "bold red"), "warning": ("!", "yellow"), "note": ("·", "dim")}
_SHOWN = 6
_MOST_TEXT = 200
"""Characters of a text of a file that are shown."""


def show(told: dict[str, Any]) -> None:
    """Print an inspection.

    Args:
        told: see `edgetl.inspection.telling.record`.
    """
    from functools import partial

    from edgetl.cli._console import console, tell

    out = console()
    line = partial(tell, out)
    share = "" if told["int8_mac_share"] is None else f", {told['int8_mac_share']:.1%} of them in integers"
    counted = told["format"] != "keras"
    work = f"{told['macs'] / 1e6:.1f} million multiply-accumulates{share}" if counted else "work not counted (convert it first)"
    size = f"{told['file_bytes'] / 1e6:.2f} MB"
    line(f"{told['file']}: {size}, {told['operator_count']} operators, {work}")
    for key, value in _facts(told):
        line((f"  {key:<13}", "dim"), value, indent=15)
    for row in told.get("coverage", ()):
        line((f"  {row['delegate']:<13} ", "bold"), _covered(row), indent=4)
        for rule, types in _rules(row):
            line("    ", ("· ", "dim"), f"{types}: {rule}", indent=6)
    errors = sum(finding["level"] == "error" for finding in told["findings"])
    asked = _asked(told["asked"])
    bad = "is not what was asked" if asked else f"{errors} error{'' if errors == 1 else 's'}"
    good = ("is what was asked", "green") if asked else ("nothing was asked of it", "")
    line((bad, "bold red") if errors else good, f" ({asked})" if asked else "", indent=2)
    if told["asked"].get("client") == "mediapipe":
        refused = any(one["rule"] == "client" and one["level"] == "error" for one in told["findings"])
        line(
            ("MediaPipe's ImageClassifier refuses it", "bold red")
            if refused
            else ("MediaPipe's ImageClassifier takes it", "green")
        )
    for finding in told["findings"]:
        mark, style = _MARKS[finding["level"]]
        line(
            " ",
            (f"{mark} {finding['level']} {finding['rule']}", style),
            f"  {finding['where'][:80]}: {finding['message']}",
            indent=4,
        )
        line(("    → " + finding["remedy"], "dim"), indent=6)
    out.print(_table(told), highlight=False, markup=False)


def _facts(told: dict[str, Any]) -> list[tuple[str, str]]:
    kernels = told["kernels"]
    stored = ", ".join(f"{count} {kind}" for kind, count in kernels["stored"].items())
    fine = f"; steps per channel in {kernels['per_channel']}, one step in {kernels['per_tensor']}"
    steps = fine if kernels["per_channel"] or kernels["per_tensor"] else ""
    needs = ", ".join(f"{name} {version}" for name, version in told["needs"].items())
    rows = [
        ("input", "; ".join(map(_end, told["inputs"]))),
        ("output", "; ".join(map(_end, told["outputs"]))),
        ("kernels", stored + steps),
        ("between", ", ".join(told["activations"])),
        ("float islands", _some(told["islands"])),
        ("runs", ", ".join(f"{count} {name}" for name, count in Counter(told["runs"] or {}).most_common(_SHOWN))),
        ("not builtin", _some(told["custom"])),
        ("stamps", ", ".join(f"{key} {value}" for key, value in told["versions"].items())),
        ("needs", f"at least {needs}" if needs else ""),
        ("written by", told["producer"]),
        ("says", "; ".join(f"{key}: {_cut(value)}" for key, value in told["metadata"].items())),
        ("stored twice", f"{told['duplicate_bytes']} bytes" if told["duplicate_bytes"] else ""),
    ]
    return [(key, value) for key, value in rows if value]


def _cut(text: str) -> str:
    """A text that may be long; `--json` has all of it."""
    return text if len(text) <= _MOST_TEXT else f"{text[:_MOST_TEXT]}…"


def _end(end: dict[str, Any]) -> str:
    sides = "×".join("any" if side == -1 else str(side) for side in end["shape"])
    step = "" if end["scale"] is None else f", step {end['scale']:.6g}"
    zero = "" if end["zero_point"] is None else f", zero {end['zero_point']}"
    return " ".join(filter(None, (end["name"], end["dtype"], sides))) + step + zero


def _asked(asked: dict[str, Any]) -> str:
    words = [asked["scheme"]] if "scheme" in asked else []
    words += [f"{key} {asked[key]}" for key in ("io", "layout", "batch", "activation", "runtime", "client") if key in asked]
    return f"{', '.join(words)}; says {asked.get('source', 'the caller')}" if words else ""


def _some(names: list[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(name[:60] for name in names[:_SHOWN]) + more


def _covered(row: dict[str, Any]) -> str:
    if "reason" in row:
        return f"cannot be asked: {row['reason']}"
    share = "" if row["mac_share"] is None else f", {row['mac_share']:.1%} of the multiply-accumulates"
    parts = f"{row['partitions']} part{'' if row['partitions'] == 1 else 's'}"
    kept = row["operators"] - len(row["leaving"])
    return f"takes {kept} of {row['operators']} operators{share}, in {parts}. Not checked: {row['unchecked']}"


def _rules(row: dict[str, Any]) -> list[tuple[str, str]]:
    """Rule with its source → types of the operators that leave by it."""
    found: dict[str, Counter[str]] = {}
    for one in row.get("leaving", ()):
        found.setdefault(f"{one['rule']} [{one['source']}]", Counter())[one["type"]] += 1
    rows = [(rule, ", ".join(f"{n} {kind}" for kind, n in kinds.most_common(_SHOWN))) for rule, kinds in found.items()]
    return rows[:_SHOWN]


def _table(told: dict[str, Any]) -> Any:
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    ops = "operators" in told
    first = ("operator", "type", "in") if ops else ("type", "count", "in integers")
    for number, title in enumerate((*first, "MMAC", "weights kB", "reads kB", "writes kB")):
        table.add_column(title, justify="left" if number < (3 if ops else 1) else "right", no_wrap=number > 0)
    for row in told["operators" if ops else "types"]:
        cells = (row["name"], row["type"], row["arithmetic"]) if ops else (row["type"], str(row["count"]), str(row["quantized"]))
        sizes = (f"{row[key] / 1e3:.1f}" for key in ("weight_bytes", "input_bytes", "output_bytes"))
        figures = (f"{row['macs'] / 1e6:.3f}", *sizes) if told["format"] != "keras" else ("–",) * 4
        table.add_row(*cells, *figures)
    return table
