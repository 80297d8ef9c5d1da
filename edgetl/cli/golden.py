"""`edgetl golden …`: hold what an app logged against the photos and tensors in a bundle."""

from __future__ import annotations

import typer


def register(app: typer.Typer) -> None:
    """Add the commands."""
    golden = typer.Typer(
        help="Hold what an app logged against the photos and tensors in a bundle.", no_args_is_help=True, rich_markup_mode=None
    )
    app.add_typer(golden, name="golden")

    @golden.callback()
    def _top() -> None:
        pass
