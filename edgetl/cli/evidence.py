"""`edgetl evidence add` and `list`: what other tools measured on a device, kept with the file it came from."""

from __future__ import annotations

import json as json_module
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from edgetl.cli._console import console
from edgetl.cli._options import JsonOption

if TYPE_CHECKING:
    from edgetl.ledger import Record

_Recipe = Annotated[Path | None, typer.Option("--recipe", metavar="RECIPE", help="Recipe file whose evidence it is.")]
_Ledger = Annotated[
    Path | None, typer.Option("--ledger", metavar="DIR", help="Folder of the ledger [evidence/ beside the recipe, or here].")
]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    evidence = typer.Typer(help="Timings that other tools took on a device.", no_args_is_help=True, rich_markup_mode=None)
    app.add_typer(evidence, name="evidence")

    @evidence.command(help="Add a log to the ledger: which model, on which device, how fast.")
    def add(
        log: Annotated[Path, typer.Argument(metavar="LOG", help="What the other tool wrote.")],
        device: Annotated[str, typer.Option("--device", metavar="NAME", help="Device profile: a name, or a file.")],
        artifact: Annotated[Path, typer.Option("--artifact", metavar="FILE", help="The model file that was measured.")],
        recipe: _Recipe = None,
        ledger: _Ledger = None,
        kind: Annotated[
            str | None, typer.Option("--log", metavar="KIND", help="What wrote the log, where it cannot be recognised.")
        ] = None,
        threads: Annotated[int | None, typer.Option("--threads", metavar="N", help="CPU threads, if the log is silent.")] = None,
        accelerator: Annotated[
            str | None, typer.Option("--accelerator", metavar="A", help="What ran it, if the log is silent: cpu, gpu, npu.")
        ] = None,
        precision: Annotated[
            str | None, typer.Option("--precision", metavar="P", help="Which, if the log holds several: float, w8a8.")
        ] = None,
        note: Annotated[str, typer.Option("--note", metavar="TEXT", help="Kept with the record.")] = "",
        json: JsonOption = False,
    ) -> None:
        from edgetl import evidence as importing
        from edgetl import ledger as ledgers
        from edgetl.devices import load_device

        folder = _folder(recipe, ledger)
        profile = load_device(device, "--device")
        measured = importing.Artifact.of(artifact)
        given = importing.Given(threads=threads, accelerator=accelerator.lower() if accelerator else None, precision=precision)
        read = importing.load(log, kind)
        record = importing.record_of(read, profile, measured, given, note)
        done = ledgers.add(folder, (record,), read.source)
        if json:
            found = {"schema": 1, "ledger": str(folder), "new": _rows(done.new), "known": _rows(done.known)}
            typer.echo(json_module.dumps(found, ensure_ascii=False))
            return
        _print((*done.new, *done.known))
        typer.echo(
            f"Added to {folder}." if done.new else f"{folder} had it already (since {done.known[0].imported_at}); not added."
        )

    @evidence.command(name="list", help="List the ledger, having held every record against the file it came from.")
    def list_(recipe: _Recipe = None, ledger: _Ledger = None, json: JsonOption = False) -> None:
        from edgetl import ledger as ledgers

        folder = _folder(recipe, ledger)
        records = ledgers.read(folder)
        if json:
            typer.echo(json_module.dumps({"schema": 1, "ledger": str(folder), "records": _rows(records)}, ensure_ascii=False))
        elif records:
            _print(records)
        else:
            typer.echo(f"{folder} holds no evidence.")


def _folder(recipe: Path | None, ledger: Path | None) -> Path:
    """Folder of the ledger that the options mean."""
    from edgetl.errors import InputError
    from edgetl.ledger import FOLDER

    if recipe is not None and ledger is not None:
        raise InputError("--recipe and --ledger: give one of them.")
    if recipe is not None and not recipe.is_file():
        raise InputError(f"--recipe: {recipe}: no such file. Give a recipe's file, or --ledger.")
    return ledger or (recipe.parent / FOLDER if recipe is not None else Path(FOLDER))


def _rows(records: tuple[Record, ...]) -> list[dict[str, Any]]:
    from edgetl.reading import plain

    return [{"id": record.id, **plain(record)} for record in records]


def _print(records: tuple[Record, ...]) -> None:
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    for title in ("device", "artifact", "runtime", "on", "latency ms", "runs", "how", "from"):
        table.add_column(title, justify="right" if title == "runs" else "left", overflow="fold")
    for record in records:
        reading = record.reading
        threads = f" x{reading.threads}" if reading.threads and reading.accelerator == "cpu" else ""
        stated = reading.statistics_ms.stated
        named = [name for name in ("p50", "p90", "p95", "mean", "unstated") if name in stated][:3]
        latency = " ".join(f"{name} {stated[name]:.4g}" for name in named)
        raw = f"{len(reading.values_ms)} values" if reading.values_ms else f"{len(reading.operators)} operators"
        table.add_row(
            record.device,
            f"{record.artifact} {record.artifact_sha256[:8]}",
            " ".join(filter(None, (reading.runtime, reading.runtime_version))),
            f"{reading.accelerator}{threads}",
            latency or raw,
            str(reading.count or ""),
            record.how,
            record.log,
        )
    console().print(table, highlight=False, markup=False)
