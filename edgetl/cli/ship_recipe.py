"""`edgetl ship RECIPE`: bundle what passed; runs whatever is missing first."""

from __future__ import annotations

import typer

from edgetl.cli._deliver import add_command


def add(app: typer.Typer) -> None:
    """Add the command."""
    add_command(app, "ship", "ship", "Bundle what passed; runs whatever is missing first.")
