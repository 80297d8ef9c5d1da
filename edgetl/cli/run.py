"""`edgetl run`: fine-tune, quantize, convert, verify, time, judge and bundle: the whole job."""

from __future__ import annotations

import typer

from edgetl.cli._deliver import deliver_and_show
from edgetl.cli._options import AllowFailedOption, JsonOption, OutOption, RecipeArgument, SetOption


def register(app: typer.Typer) -> None:
    """Add the command."""

    @app.command(help="Fine-tune, quantize, convert, verify, time, judge and bundle: the whole job.")
    def run(
        recipe: RecipeArgument,
        set_: SetOption = None,
        out: OutOption = None,
        json: JsonOption = False,
        allow_failed: AllowFailedOption = False,
    ) -> None:
        deliver_and_show(recipe, set_, until="ship", out=out, as_json=json, allow_failed=allow_failed)
