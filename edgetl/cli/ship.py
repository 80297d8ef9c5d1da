"""`edgetl ship …`: bundle what passed, and what is done with a bundle. One module for each command but the first."""

from __future__ import annotations

import sys

import typer

from edgetl.cli import ship_app, ship_key, ship_recipe, ship_schema, ship_verify

_COMMANDS = {"app": ship_app, "key": ship_key, "schema": ship_schema, "verify": ship_verify}


def register(app: typer.Typer) -> None:
    """Add the commands: `edgetl ship RECIPE|RUN`, and the group `edgetl ship app|key|schema|verify`."""
    asked = next((argument for argument in sys.argv[2:] if not argument.startswith("-")), None)
    if sys.argv[1:2] == ["ship"] and asked not in _COMMANDS:
        ship_recipe.add(app)
        return
    ship = typer.Typer(
        help="Bundle what passed; runs whatever is missing first. `ship RECIPE`, or one of the commands below.",
        no_args_is_help=True, rich_markup_mode=None,
    )  # fmt: skip
    app.add_typer(ship, name="ship")
    for module in _COMMANDS.values():
        module.add(ship)
