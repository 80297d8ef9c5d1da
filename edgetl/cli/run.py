"""`edgetl run`: fine-tune, quantize, convert, verify, time, judge and bundle: the whole job."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from edgetl.cli._options import AllowFailedOption, JsonOption, KeyOption, OutOption, RecipeArgument, SetOption, TargetOption


def register(app: typer.Typer) -> None:
    """Add the command."""

    @app.command(help="Fine-tune, quantize, convert, verify, time, judge and bundle: the whole job.")
    def run(
        recipe: RecipeArgument,
        set_: SetOption = None,
        target: TargetOption = None,
        out: OutOption = None,
        json: JsonOption = False,
        allow_failed: AllowFailedOption = False,
        key: KeyOption = None,
        junit: Annotated[Path | None, typer.Option("--junit", metavar="FILE", help="Write JUnit XML for CI, too.")] = None,
    ) -> None:
        from edgetl.cli._deliver import deliver_and_show

        deliver_and_show(recipe, set_, "ship", target, out, json, allow_failed, key, junit)
