"""`edgetl channel …`: publish bundles to an update channel, move their rollout, take them back."""

from __future__ import annotations

import typer

from edgetl.cli import channel_change, channel_check, channel_status


def register(app: typer.Typer) -> None:
    """Add the commands."""
    channel = typer.Typer(
        help="Update channels: signed, on any storage, taken back by one command.", no_args_is_help=True, rich_markup_mode=None
    )
    app.add_typer(channel, name="channel")
    channel_change.add(channel)
    channel_status.add(channel)
    channel_check.add(channel)
