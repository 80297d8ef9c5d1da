"""`edgetl diagnose preprocessing`: which mistake before the network explains what an app answers."""

from __future__ import annotations

import typer


def add(diagnose: typer.Typer) -> None:
    """Add the command."""
