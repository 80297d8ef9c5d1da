"""`edgetl bench`: run a recipe as far as the timings on this host."""

from __future__ import annotations

import typer

from edgetl.cli._deliver import add_command


def register(app: typer.Typer) -> None:
    """Add the command."""
    add_command(app, "bench", "benchmark", "Run a recipe as far as the timings on this host.")
