"""`edgetl diagnose layers`: where a file leaves the network it was made from."""

from __future__ import annotations

import typer


def add(diagnose: typer.Typer) -> None:
    """Add the command."""
