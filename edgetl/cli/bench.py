"""`edgetl bench`: run a recipe as far as the timings on this host."""

from __future__ import annotations

import typer

from edgetl.cli._deliver import deliver_and_show
from edgetl.cli._options import JsonOption, OutOption, RecipeArgument, SetOption, TargetOption


def register(app: typer.Typer) -> None:
    """Add the command."""

    @app.command(help="Run a recipe as far as the timings on this host.")
    def bench(
        recipe: RecipeArgument,
        set_: SetOption = None,
        target: TargetOption = None,
        out: OutOption = None,
        json: JsonOption = False,
    ) -> None:
        deliver_and_show(recipe, set_, until="benchmark", only=target, out=out, as_json=json)
