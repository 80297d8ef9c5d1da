"""`edgetl convert`: run a recipe as far as the converted files."""

from __future__ import annotations

import typer

from edgetl.cli._deliver import add_command


def register(app: typer.Typer) -> None:
    """Add the command."""
    add_command(app, "convert", "convert", "Run a recipe as far as the converted files.")
