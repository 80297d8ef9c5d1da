"""`edgetl diagnose …`: which layer, or which mistake, makes a file answer otherwise. One module for each command."""

from __future__ import annotations

import typer

from edgetl.cli import diagnose_layers, diagnose_preprocessing


def register(app: typer.Typer) -> None:
    """Add the commands."""
    diagnose = typer.Typer(
        help="Find out which layer, or which mistake, makes a file answer otherwise.", no_args_is_help=True, rich_markup_mode=None
    )
    app.add_typer(diagnose, name="diagnose")
    diagnose_layers.add(diagnose)
    diagnose_preprocessing.add(diagnose)

    @diagnose.callback()
    def _top() -> None:
        pass
