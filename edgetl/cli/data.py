"""`edgetl data audit` and `preview`: look at the photos of a recipe before anything is trained on them."""

from __future__ import annotations

import json as json_module
from pathlib import Path
from typing import Annotated, Any

import typer

from edgetl.cli._options import JsonOption, RecipeArgument, SetOption


def register(app: typer.Typer) -> None:
    """Add the command."""
    data = typer.Typer(help="Look at the photos of a recipe.", no_args_is_help=True, rich_markup_mode=None)
    app.add_typer(data, name="data")

    @data.callback()
    def _top() -> None:
        pass

    @data.command(help="Undecodable, copied, mislabelled, scarce and odd photos. Exit 1 when training would refuse them.")
    def audit(recipe: RecipeArgument, set_: SetOption = None, json: JsonOption = False) -> None:
        import gc
        import sys

        from rich.console import Console
        from rich.progress import Progress

        from edgetl.recipefile import load_recipe
        from edgetl.stages import prepare
        from edgetl.types import to_json

        gc.enable()
        loaded = load_recipe(recipe, tuple(set_ or ()))
        dataset = prepare.gather(loaded.recipe)
        with Progress(console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty()) as bar:
            task = bar.add_task("looking at photos", total=len(dataset.samples))

            def emit(event: dict[str, Any]) -> None:
                bar.update(task, completed=event.get("done"), description=event["what"])

            _, splits, findings = prepare.examine(loaded.recipe, dataset, None, emit)
        refused = any(finding.level == "error" for finding in findings)
        if json:
            found = {"schema": 1, "recipe": loaded.recipe.name, "images": len(dataset.samples), "usable": len(splits)}
            typer.echo(json_module.dumps({**found, "findings": to_json(findings)}, ensure_ascii=False))
        else:
            typer.echo(f"{len(dataset.samples)} photos, {len(splits)} usable, {len(dataset.class_names)} classes.")
            styles = {"error": "red", "warning": "yellow", "note": "blue"}
            for finding in findings:
                level = typer.style(f"{finding.level:<8}", fg=styles[finding.level])
                typer.echo(f"{level}{finding.name} ({finding.count}): {finding.message}")
                for photo in finding.photos[:5]:
                    typer.echo(f"          {photo}")
                if finding.count > 5:
                    typer.echo(f"          and {finding.count - 5} more")
            if not findings:
                typer.echo("Nothing to say against them.")
        if refused:
            raise typer.Exit(1)

    @data.command(help="Draw what the recipe's `augment` does to some of the photos: each as it is, then changed copies of it.")
    def preview(
        recipe: RecipeArgument,
        set_: SetOption = None,
        out: Annotated[Path, typer.Option("--out", metavar="PNG", help="Picture to write.")] = Path("preview.png"),
        photos: Annotated[int, typer.Option("--photos", min=1, max=50, help="Photos to show.")] = 6,
        copies: Annotated[int, typer.Option("--copies", min=1, max=20, help="Changed copies of each.")] = 7,
    ) -> None:
        from edgetl.errors import InputError
        from edgetl.recipefile import load_recipe
        from edgetl.stages import prepare

        if out.suffix.lower() != ".png":
            raise InputError(f"--out {out}: must end in .png.")
        if not out.absolute().parent.is_dir():
            raise InputError(f"--out {out}: {out.parent}: no such folder.")
        loaded = load_recipe(recipe, tuple(set_ or ())).recipe
        if not loaded.augment.active:
            raise InputError(f"{recipe}: has no 'augment' section; nothing is changed.")
        pixels = prepare.some(loaded, photos)
        import os

        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
        from PIL import Image

        from edgetl.nn import preview as drawing

        temporary = out.with_suffix(".writing")
        Image.fromarray(drawing.sheet(pixels, loaded, copies)).save(temporary, "PNG")
        temporary.replace(out)
        typer.echo(f"{out}: {len(pixels)} photos, each as it is and in {copies} changed copies.")
