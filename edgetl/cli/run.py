"""`edgetl run`: fine-tune, quantize, convert, verify, time, judge and bundle: the whole job."""

from __future__ import annotations

import typer

from edgetl.cli._deliver import add_command


def register(app: typer.Typer) -> None:
    """Add the command."""
    add_command(app, "run", "ship", "Fine-tune, quantize, convert, verify, time, judge and bundle: the whole job.")
