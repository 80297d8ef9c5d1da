"""What `edgetl ship RUN` does: choose the fewest artifacts for the devices, and show who gets what and why."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from edgetl.cli._console import console, tell

if TYPE_CHECKING:
    from edgetl.shipset import Served, ShipSet


def choose_and_show(
    folder: Path,
    devices: str | None,
    ledger: Path | None,
    out: Path | None,
    key: Path | None,
    *,
    allow_unsure: bool,
    as_json: bool,
) -> None:
    """Choose, write shipset.json, show, and leave with 1 when a device is left unserved.

    Args:
        folder: of the run.
        devices: names with commas between them; None = those of the run.
        ledger: folder of the ledger; None = the usual one.
        out: folder for shipset.json and a bundle of the set; None = the run's, and no bundle.
        key: to sign the bundle with; None = that of the environment, if any.
        allow_unsure: take what is unsure where nothing passes.
        as_json: print JSON only.
    """
    import gc

    from edgetl import fleet, reverdict
    from edgetl.errors import InputError
    from edgetl.signing import secret_key

    gc.enable()
    if key is not None and out is None:
        raise InputError("--key: signs a bundle, and of a run one is made with --out DIR only. Add it.")
    sign_with = secret_key(key) if out is not None else None
    names = None if devices is None else [name.strip() for name in devices.split(",") if name.strip()]
    run = reverdict.load_run(folder)
    chosen, found = fleet.choose(run, names, ledger, allow_unsure=allow_unsure)
    bundle = fleet.make_bundle(run, chosen, found, out, sign_with) if out is not None and chosen.artifacts else None
    told = fleet.record(run, chosen, bundle, allow_unsure=allow_unsure)
    goal = out or folder
    goal.mkdir(parents=True, exist_ok=True)
    path = fleet.write(goal, told)
    if as_json:
        typer.echo(json.dumps(told, ensure_ascii=False))
    else:
        _show(chosen, path)
        if bundle is not None:
            from edgetl.report.rows import bundled

            typer.echo(f"bundle: {bundled(bundle)}")
    if chosen.unserved:
        raise typer.Exit(1)


def _named(served: Served) -> str:
    return served.device if served.given.outcome == "pass" else f"{served.device} ({served.given.outcome})"


def _show(chosen: ShipSet, path: Path) -> None:
    from rich.table import Table

    out = console()
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 1, 0, 0))
    for title, justify in (("ship", "left"), ("delivered MB", "right"), ("top-1", "right"), ("to", "left")):
        table.add_column(title, justify=justify)  # type: ignore[arg-type]
    for artifact in chosen.artifacts:
        given = [_named(served) for served in chosen.served if served.given.artifact == artifact.name]
        top1 = "–" if artifact.top1 is None else f"{artifact.top1:.3f}"
        table.add_row(artifact.name, f"{artifact.delivered_bytes / 1e6:.2f}", top1, ", ".join(given))
    if chosen.artifacts:
        out.print(table, highlight=False)
        out.print()
        out.print(_figures(chosen), highlight=False)
        out.print()
    for unserved in chosen.unserved:
        nearest = unserved.nearest
        tell(
            out,
            f"{unserved.device} is unserved: {unserved.why if nearest is None else f'nearest is {nearest.artifact}:'}",
            indent=2,
        )
        for verdict in nearest.missed() if nearest else ():
            tell(out, f"  {verdict.gate} {verdict.outcome}: {verdict.reason}", indent=4)
    number, all_ = len(chosen.served), len(chosen.served) + len(chosen.unserved)
    megabytes = chosen.delivered_bytes / 1e6
    tell(
        out,
        f"{len(chosen.artifacts)} artifact(s), {megabytes:.2f} MB delivered, serve {number} of {all_} device(s); {path}",
        indent=2,
    )


def _figures(chosen: ShipSet) -> Any:
    """Each file's figures on the test images, then those of each device that gets one, with their limits."""
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 1, 0, 0))
    for title in ("file or device", "figure", "is", "limit", "between", "known by"):
        table.add_column(title, justify="right" if title in ("is", "limit") else "left", overflow="fold")
    files = {s.given.artifact: [v for v in s.given.verdicts if v.device is None] for s in chosen.served}
    rows = [*sorted(files.items()), *((s.device, [v for v in s.given.verdicts if v.device is not None]) for s in chosen.served)]
    for name, verdicts in rows:
        for number, verdict in enumerate(verdicts):
            value, limit = ("unknown" if n is None else f"{n:.3g}" for n in (verdict.value, verdict.limit))
            between = "" if verdict.interval is None else f"{verdict.interval[0]:.3g} to {verdict.interval[1]:.3g}"
            known = verdict.evidence or "not known"
            doubt = "" if verdict.outcome == "pass" else f", {verdict.outcome}"
            table.add_row("" if number else name, verdict.gate, value, limit, between, known + doubt)
    return table
