"""`edgetl ship app BUNDLE`: source code of an app for one artifact of a bundle."""

from __future__ import annotations

import typer


def add(ship: typer.Typer) -> None:
    """Add the command."""
