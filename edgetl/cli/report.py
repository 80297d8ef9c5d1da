"""`edgetl report …`: the report of a run as a page, and that page served with the shipped network running in it."""

from __future__ import annotations

import typer


def register(app: typer.Typer) -> None:
    """Add the commands."""
