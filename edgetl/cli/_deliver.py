"""What `run`, `convert`, `verify`, `bench` and `ship` have in common: a run up to some stage, shown and reported."""

from __future__ import annotations

import json
from pathlib import Path

import typer


def deliver_and_show(
    recipe: str,
    overrides: list[str] | None,
    *,
    until: str,
    only: list[str] | None = None,
    out: Path | None = None,
    as_json: bool = False,
    allow_failed: bool = False,
) -> None:
    """Run a recipe, show the report, and leave with 0, 1 (a gate failed) or 4 (a target failed).

    Args:
        recipe: path or name.
        overrides: `--set` pairs.
        until: last stage.
        only: targets.
        out: report folder.
        as_json: print the report as JSON instead of the table.
        allow_failed: bundle in spite of failed gates.
    """
    import gc

    from edgetl.cli._progress import Progress
    from edgetl.delivery import deliver
    from edgetl.errors import EdgetlError
    from edgetl.recipefile import load_recipe

    gc.enable()
    loaded = load_recipe(recipe, tuple(overrides or ()))
    with Progress() as progress:
        report = deliver(loaded, progress, until=until, only=tuple(only or ()), out=out, allow_failed=allow_failed)
    if as_json:
        typer.echo(json.dumps(report, ensure_ascii=False))
    else:
        from rich.console import Console

        from edgetl.report import terminal

        terminal.show(report, Console())
    if any(artifact["status"] == "failed" for artifact in report["artifacts"]):
        raise typer.Exit(EdgetlError.exit_code)
    if report["failed"]:
        raise typer.Exit(1)
