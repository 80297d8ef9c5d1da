"""What `run`, `convert`, `verify`, `bench` and `ship` have in common: a run up to some stage, shown and reported."""

from __future__ import annotations

import json as json_module
from pathlib import Path

import typer


def deliver_and_show(
    recipe: str,
    overrides: list[str] | None,
    until: str,
    only: list[str] | None,
    out: Path | None,
    as_json: bool,
    allow_failed: bool = False,
    key: Path | None = None,
    junit: Path | None = None,
) -> None:
    """Run a recipe, show the report, and leave with 0, 1 (a gate failed) or 4 (a target failed)."""
    import gc

    from edgetl.cli._progress import Progress
    from edgetl.delivery import RUNS, deliver
    from edgetl.errors import EdgetlError, InputError
    from edgetl.recipefile import load_recipe
    from edgetl.signing import secret_key

    gc.enable()
    if junit is not None and junit.is_dir():
        raise InputError(f"--junit: {junit}: is a folder. Name a file.")
    sign_with = secret_key(key) if until == "ship" else None
    loaded = load_recipe(recipe, tuple(overrides or ()))
    if junit is not None:
        junit.unlink(missing_ok=True)  # one of an earlier run must not speak for this one, should it break off
    with Progress() as progress:
        report = deliver(
            loaded, progress, until=until, only=tuple(only or ()), out=out, allow_failed=allow_failed, sign_with=sign_with
        )
    if junit is not None:
        from edgetl.report import junit as xml

        xml.write(junit, xml.of_run(report, allow_unsure=loaded.recipe.gates.on_unsure == "warn"))
    if as_json:
        typer.echo(json_module.dumps(report, ensure_ascii=False))
    else:
        from rich.console import Console

        from edgetl.report import terminal

        terminal.show(report, Console(), out or RUNS / loaded.recipe.name)
    if any(artifact["status"] == "failed" for artifact in report["artifacts"]):
        raise typer.Exit(EdgetlError.exit_code)
    if report["failed"]:
        raise typer.Exit(1)
