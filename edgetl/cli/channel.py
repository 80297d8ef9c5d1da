"""`edgetl channel …`: publish bundles to an update channel, move their rollout, take them back."""

from __future__ import annotations

import typer


def register(app: typer.Typer) -> None:
    """Add the commands."""
