"""What `run`, `convert`, `verify`, `bench` and `ship` have in common: a run up to some stage, shown and reported."""

from __future__ import annotations

import json as json_module
from pathlib import Path

import typer

from edgetl.cli._options import AllowFailedOption, JsonOption, KeyOption, OutOption, RecipeArgument, SetOption, TargetOption


def add_command(app: typer.Typer, name: str, until: str, text: str) -> None:
    """Add a command that runs a recipe up to some stage.

    Args:
        app: the command line.
        name: of the command.
        until: last stage.
        text: its help.
    """
    if until == "ship":

        @app.command(name=name, help=text)
        def whole(
            recipe: RecipeArgument,
            set_: SetOption = None,
            target: TargetOption = None,
            out: OutOption = None,
            json: JsonOption = False,
            allow_failed: AllowFailedOption = False,
            key: KeyOption = None,
        ) -> None:
            deliver_and_show(recipe, set_, until, target, out, json, allow_failed, key)

    else:

        @app.command(name=name, help=text)
        def part(
            recipe: RecipeArgument,
            set_: SetOption = None,
            target: TargetOption = None,
            out: OutOption = None,
            json: JsonOption = False,
        ) -> None:
            deliver_and_show(recipe, set_, until, target, out, json, False)


def deliver_and_show(
    recipe: str,
    overrides: list[str] | None,
    until: str,
    only: list[str] | None,
    out: Path | None,
    as_json: bool,
    allow_failed: bool,
    key: Path | None = None,
) -> None:
    """Run a recipe, show the report, and leave with 0, 1 (a gate failed) or 4 (a target failed)."""
    import gc

    from edgetl.cli._progress import Progress
    from edgetl.delivery import deliver
    from edgetl.errors import EdgetlError
    from edgetl.recipefile import load_recipe
    from edgetl.signing import secret_key

    gc.enable()
    sign_with = secret_key(key) if until == "ship" else None
    loaded = load_recipe(recipe, tuple(overrides or ()))
    with Progress() as progress:
        report = deliver(
            loaded, progress, until=until, only=tuple(only or ()), out=out, allow_failed=allow_failed, sign_with=sign_with
        )
    if as_json:
        typer.echo(json_module.dumps(report, ensure_ascii=False))
    else:
        from rich.console import Console

        from edgetl.report import terminal

        terminal.show(report, Console())
    if any(artifact["status"] == "failed" for artifact in report["artifacts"]):
        raise typer.Exit(EdgetlError.exit_code)
    if report["failed"]:
        raise typer.Exit(1)
