"""What `edgetl verify FILE` found, in a terminal."""

from __future__ import annotations

from typing import Any

from edgetl.types import Outcome
from edgetl.verdicts import worst

_STYLES = {"pass": "green", "fail": "bold red", "unsure": "yellow", "skipped": "dim"}
_NAMED = 5
"""Most flips that are named in a line; `--json` names more."""
_TITLES = ("file", "by", "top-1", "agree", "drop", "95 %", "lost/won", "McNemar mid-p", "worst class", "gates")


def show(found: dict[str, Any], console: Any) -> None:
    """Print the table and what must be said about it.

    Args:
        found: what `edgetl.verification.judge.verify` returned.
        console: a rich Console on standard output.
    """
    from rich.table import Table
    from rich.text import Text

    def say(line: str, style: str = "") -> None:
        console.print(Text(line, style=style), soft_wrap=True)

    images, against = found["images"], found["against"]
    by = f" in {against['runtime']}" if against["runtime"] else ""
    say(f"{images['n']} images of {images['from']}; against {against['path']}{by}, {_top1(against['top1'])}")
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 1, 0, 0))
    for number, title in enumerate(_TITLES):
        table.add_column(title, justify="right" if 2 <= number <= 7 else "left", no_wrap=number > 0)
    for entry in found["files"]:
        for number, source in enumerate((entry, *entry["witnesses"])):
            name = f"{entry['format']}/{entry['scheme']}" if number == 0 else ""
            outcome = _outcome(source)
            table.add_row(
                name, source.get("name", source["runtime"]), *_cells(source), Text(outcome, style=_STYLES.get(outcome, ""))
            )
    console.print(table)
    say("95 %: Tango's interval of the drop; cut at the exact 1 - 0.05^(1/n) where none was lost, or none won.", "dim")
    for entry in found["files"]:
        known = (
            "" if entry["evidence"] == "measured" else " (reference: evaluated in software, not run by what an app runs it with)"
        )
        say(f"• {entry['path']}{known}: {_flips(entry['flips'], entry['paired']['changed'], 'the checkpoint')}")
        for witness in entry["witnesses"]:
            told = witness["against_runtime"]
            more = f" {_flips(told['flips'], told['differ'], entry['runtime'])}" if told["differ"] else ""
            say(f"  {told['told']}{more}")
    for line in found["warnings"]:
        say(f"! {line}", "yellow")
    for (outcome, gate, reason), names in _reasons(found).items():
        say(f"{'✗' if outcome == 'fail' else '•'} {', '.join(names)}: {gate} {outcome}: {reason}", _STYLES[outcome])


def _reasons(found: dict[str, Any]) -> dict[tuple[str, str, str], list[str]]:
    """Each distinct reason for which something is unsure or fails, fails last, with the files and witnesses it holds for."""
    told: dict[tuple[str, str, str], list[str]] = {}
    for wanted in ("skipped", "unsure", "fail"):
        for entry in found["files"]:
            for source in (entry, *entry["witnesses"]):
                name = f"{entry['format']}/{entry['scheme']}{' by ' + source['name'] if source is not entry else ''}"
                for v in source["verdicts"]:
                    if v["outcome"] == wanted:
                        told.setdefault((wanted, v["gate"], v["reason"]), []).append(name)
    return told


def _cells(source: dict[str, Any]) -> list[str]:
    pairs = source["paired"]
    drop, least = pairs["drop"], pairs["worst_class"]
    return [
        f"{source['top1']['value']:.3f}",
        f"{source['agreement']:.3f}",
        f"{drop['value'] + 0.0:+.3f}",
        f"{drop['low'] + 0.0:+.3f} to {drop['high'] + 0.0:+.3f}",
        f"{pairs['lost']}/{pairs['won']}",
        f"{pairs['mcnemar_p']:.2g}",
        "none loses" if least is None or least["drop"] <= 0 else f"{least['name'][:24]}: {least['drop']:+.3f} of {least['n']}",
    ]


def _outcome(source: dict[str, Any]) -> Outcome | str:
    outcomes: list[Outcome] = [verdict["outcome"] for verdict in source["verdicts"]]
    return worst(outcomes) if outcomes else "–"


def _top1(found: dict[str, Any]) -> str:
    return f"top-1 {found['value']:.3f} ({found['low']:.3f}–{found['high']:.3f})"


def _flips(flips: list[dict[str, Any]], count: int, against: str) -> str:
    """Name some photos whose answer is another."""
    if not count:
        return f"answers as {against} on every image."
    named = [
        f"{f['name']} ({f['reference']['answer']} {f['reference']['probability']:.2f} → {f['candidate']['answer']} "
        f"{f['candidate']['probability']:.2f}, right: {f['right']})"
        for f in flips[:_NAMED]
    ]
    more = f"; {count - len(named)} more (--json)" if count > len(named) else ""
    return f"{count} {'answer' if count == 1 else 'answers'} other than of {against}: {'; '.join(named)}{more}."
