"""`edgetl ablate`: what transfer is worth on these photos: from scratch, frozen, fine-tuned, from few labels to all."""

from __future__ import annotations

import json as json_module
from typing import Annotated, Any

import typer

from edgetl.cli._options import JsonOption, OutOption, RecipeArgument, SetOption


def register(app: typer.Typer) -> None:
    """Add the command."""

    @app.command(help="Measure what transfer is worth here: scratch, frozen and fine-tuned, from few labels to all. Resumable.")
    def ablate(
        recipe: RecipeArgument,
        set_: SetOption = None,
        way: Annotated[list[str] | None, typer.Option("--way", metavar="WAY", help="Only this way. Repeatable.")] = None,
        shares: Annotated[
            str, typer.Option("--shares", metavar="A,B,…", help="Shares of the training labels.")
        ] = "0.05,0.1,0.25,0.5,1",
        seeds: Annotated[int, typer.Option("--seeds", metavar="N", min=1, max=100, help="Number of seeds.")] = 3,
        converged_epochs: Annotated[
            int,
            typer.Option(
                "--converged-epochs",
                min=10,
                max=10_000,
                help="Most epochs of frozen and scratch_converged with all labels; with a share, divided by its root.",
            ),
        ] = 200,
        out: OutOption = None,
        json: JsonOption = False,
    ) -> None:
        import gc

        from edgetl import ablation
        from edgetl.cli._progress import Progress
        from edgetl.delivery import RUNS
        from edgetl.errors import InputError, UnknownName
        from edgetl.recipefile import load_recipe
        from edgetl.report import ablation as report
        from edgetl.store import ROOT, Store

        gc.enable()
        loaded = load_recipe(recipe, tuple(set_ or ()))
        learns = ablation.can_learn(loaded.recipe)
        ways = tuple(way or [name for name in ablation.WAYS if learns or not name.startswith("scratch")])
        for name in ways:
            if name not in ablation.WAYS:
                raise UnknownName("way of training", name, ablation.WAYS, "--way")
        try:
            parts = tuple(float(text) for text in shares.split(","))
        except ValueError as error:
            raise InputError(f"--shares {shares}: must be numbers between commas, such as 0.1,0.5,1.") from error
        if not all(0.0 < part <= 1.0 for part in parts):
            raise InputError(f"--shares {shares}: each must be above 0 and at most 1.")
        store = Store(ROOT, loaded.recipe.name)
        with store.locked(), Progress() as progress:
            rows = ablation.run(
                loaded, store, progress, ways=ways, shares=parts, seeds=range(seeds), converged_epochs=converged_epochs,
                note=progress.note,
            )  # fmt: skip
        found: dict[str, Any] = report.record(loaded.recipe.name, rows)
        report.write(out or RUNS / loaded.recipe.name, found)
        if json:
            typer.echo(json_module.dumps(found, ensure_ascii=False))
            return
        from rich.console import Console

        report.show(found, Console())
