"""`edgetl ship key NAME`: make a pair of keys to sign with."""

from __future__ import annotations

import typer


def add(ship: typer.Typer) -> None:
    """Add the command."""
