"""`edgetl verify`: run a recipe as far as the proof of each file against its checkpoint."""

from __future__ import annotations

import typer

from edgetl.cli._deliver import add_command


def register(app: typer.Typer) -> None:
    """Add the command."""
    add_command(app, "verify", "verify", "Run a recipe as far as the proof of each file against its checkpoint.")
