"""`edgetl ship verify BUNDLE`: check everything in a bundle, and name the first thing wrong."""

from __future__ import annotations

import typer


def add(ship: typer.Typer) -> None:
    """Add the command."""
