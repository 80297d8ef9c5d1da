"""`edgetl ship RECIPE`: bundle what passed. `edgetl ship RUN`: the fewest artifacts that serve the devices."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from edgetl.cli._options import AllowFailedOption, JsonOption, KeyOption, OutOption, SetOption, TargetOption


def add(app: typer.Typer) -> None:
    """Add the command."""

    @app.command(
        help="Bundle what passed; runs whatever is missing first. Of a run: the fewest artifacts that serve the devices."
    )
    def ship(
        recipe: Annotated[
            str, typer.Argument(metavar="RECIPE|RUN", help="A recipe (file or name), or the folder of a run: runs/<recipe>.")
        ],
        set_: SetOption = None,
        target: TargetOption = None,
        out: OutOption = None,
        json: JsonOption = False,
        allow_failed: AllowFailedOption = False,
        key: KeyOption = None,
        devices: Annotated[
            str | None, typer.Option("--devices", metavar="A,B,…", help="RUN: devices to serve [those of the run].")
        ] = None,
        allow_unsure: Annotated[
            bool, typer.Option("--allow-unsure", help="RUN: where nothing passes for sure, take what is unsure.")
        ] = False,
        ledger: Annotated[
            Path | None, typer.Option("--ledger", metavar="DIR", help="RUN: folder of the ledger [evidence/ beside the recipe].")
        ] = None,
    ) -> None:
        from edgetl.errors import InputError

        folder = Path(recipe)
        of_runs = {"--devices": devices is not None, "--allow-unsure": allow_unsure, "--ledger": ledger is not None}
        of_recipes = {"--set": bool(set_), "--target": bool(target), "--allow-failed": allow_failed}
        is_run = folder.is_dir()
        if strange := [name for name, given in (of_recipes if is_run else of_runs).items() if given]:
            kind = "a recipe" if is_run else "the folder of a run"
            raise InputError(f"{', '.join(strange)}: of {kind} only, and {recipe} is none. Leave it out, or give {kind}.")
        if is_run:
            from edgetl.cli import _ship_set

            _ship_set.choose_and_show(folder, devices, ledger, out, key, allow_unsure=allow_unsure, as_json=json)
        else:
            from edgetl.cli._deliver import deliver_and_show

            deliver_and_show(recipe, set_, "ship", target, out, json, allow_failed, key)
