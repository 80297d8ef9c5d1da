"""`edgetl verdict`: judge a run by all that is known by now, each verdict with its evidence."""

from __future__ import annotations

import json as json_module
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from edgetl.cli._console import console
from edgetl.cli._options import JsonOption

if TYPE_CHECKING:
    from edgetl.types import Verdict

_COLOURS = {"pass": "green", "fail": "red", "unsure": "yellow", "skipped": "dim"}


def register(app: typer.Typer) -> None:
    """Add the command."""

    @app.command(help="Judge a run's files by all that is known of them by now. Exit 1 when one fails, or cannot be decided.")
    def verdict(
        run: Annotated[Path, typer.Argument(metavar="RUN", help="Folder of a run: runs/<recipe>.")],
        ledger: Annotated[
            Path | None, typer.Option("--ledger", metavar="DIR", help="Folder of the ledger [evidence/ beside the recipe].")
        ] = None,
        junit: Annotated[Path | None, typer.Option("--junit", metavar="FILE", help="Write JUnit XML for CI, too.")] = None,
        allow_unsure: Annotated[bool, typer.Option("--allow-unsure", help="Exit 0 although something is unsure.")] = False,
        against: Annotated[
            Path | None, typer.Option("--against", metavar="OLD_RUN", help="Fail on what got worse than in an earlier run.")
        ] = None,
        seconds: Annotated[
            float, typer.Option("--seconds", min=0.5, max=600.0, help="With --against: turns for each pair of files.")
        ] = 10.0,
        json: JsonOption = False,
    ) -> None:
        import gc

        from edgetl import reverdict
        from edgetl.types import to_json
        from edgetl.verdicts import worst

        gc.enable()
        found = reverdict.load_run(run)
        judged = reverdict.judge_again(found, ledger)
        if against is not None:
            judged += reverdict.against(found, reverdict.load_run(against), seconds=seconds)
        name = str(found.report["recipe"]["name"])
        if junit is not None:
            from edgetl.report import junit as xml

            xml.write(junit, xml.text(name, judged, allow_unsure=allow_unsure))
        outcome = worst(v.outcome for v in judged)
        if json:
            told = {"schema": 1, "run": str(run), "outcome": outcome, "verdicts": to_json(judged)}
            typer.echo(json_module.dumps(told, ensure_ascii=False))
        else:
            _show(judged)
        if outcome == "fail" or (outcome == "unsure" and not allow_unsure):
            raise typer.Exit(1)


def _show(judged: tuple[Verdict, ...]) -> None:
    """One table a device, then every reason once."""
    from rich.table import Table
    from rich.text import Text

    out = console()
    if not judged:
        out.print("nothing was judged: no gate is set, and no device is named (in the recipe; for a model, --device NAME)")
    reasons: dict[str, list[str]] = {}
    for place in dict.fromkeys(v.device for v in judged):
        table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 1, 0, 0))
        for title in (place or "gates", "gate", "verdict", "value", "between", "limit", "known by"):
            table.add_column(title, justify="right" if title in ("value", "between", "limit") else "left", no_wrap=True)
        shown = [v for v in judged if v.device == place and v.outcome != "skipped"]
        for v in shown:
            between = f"{v.interval[0]:.3g} to {v.interval[1]:.3g}" if v.interval else ""
            table.add_row(
                f"{v.format}/{v.scheme}",
                v.gate,
                Text(v.outcome, style=_COLOURS[v.outcome]),
                "–" if v.value is None else f"{v.value:.3g}",
                between,
                "–" if v.limit is None else f"{v.limit:g}",
                v.evidence or "–",
            )
            if v.outcome in ("fail", "unsure"):
                reasons.setdefault(f"{v.outcome}: {place or 'gate'}: {v.reason}", []).append(f"{v.format}/{v.scheme} {v.gate}")
        out.print(table if shown else f"{place or 'gates'}: nothing to judge", highlight=False)
    skipped: dict[str, list[str]] = {}
    for v in (v for v in judged if v.outcome == "skipped"):
        skipped.setdefault(v.reason, []).append(f"{v.format}/{v.scheme}")
    for reason, names in skipped.items():
        out.print(f"{', '.join(dict.fromkeys(names))} skipped: {reason}", highlight=False, markup=False, soft_wrap=True)
    for reason, names in reasons.items():
        out.print(f"{', '.join(names)} {reason}", highlight=False, markup=False, soft_wrap=True)
