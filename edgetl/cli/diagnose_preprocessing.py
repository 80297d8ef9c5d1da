"""`edgetl diagnose preprocessing`: which mistake before the network explains what an app answers."""

from __future__ import annotations

import json as json_module
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from edgetl.cli._console import console
from edgetl.cli._options import JsonOption

if TYPE_CHECKING:
    from edgetl.replay.diagnosis import Cost
    from edgetl.types import Preprocess


def add(diagnose: typer.Typer) -> None:
    """Add the command."""
    diagnose.command(
        "preprocessing",
        help="Replay the classic mistakes of apps through a file: what each costs, and which one an app's answers show.",
    )(_preprocessing)


def _preprocessing(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A .tflite, .onnx or .mlpackage, where a run or a bundle put it.")],
    data: Annotated[Path, typer.Option("--data", metavar="FOLDER", help="Photos, one sub-folder a class.")],
    outputs: Annotated[
        Path | None, typer.Option("--outputs", metavar="APP.json", help="What an app logged of some of these photos.")
    ] = None,
    recipe: Annotated[
        str | None,
        typer.Option("--recipe", metavar="RECIPE", help="Says how pixels are prepared, where nothing beside FILE does."),
    ] = None,
    limit: Annotated[
        int, typer.Option("--limit", min=1, metavar="N", help="Photos that are replayed, the classes in turn.")
    ] = 100,
    json: JsonOption = False,
) -> None:
    import dataclasses

    from edgetl import photos as photographs
    from edgetl.cli._progress import Bar
    from edgetl.errors import DataError, InputError
    from edgetl.preprocess import ImageFault, to_pixels
    from edgetl.replay import diagnosis, network, observed, replays
    from edgetl.replay.hypotheses import singles
    from edgetl.types import to_json

    preprocess, class_names = _prepared(file, data, recipe)
    given = network.given(file, preprocess, class_names)
    gathered = photographs.gather(data, class_names)
    log = None if outputs is None else observed.read(outputs, class_names)
    logged = {image.file for image in log.images} if log is not None else set()
    strange = sorted(logged - {photo.name for photo in gathered.items})
    if strange:
        raise InputError(f"{outputs}: names photos that {data} does not hold: {', '.join(strange[:5])}.")
    chosen = {photo.name for photo in photographs.gather(data, class_names, limit=limit).items} | logged
    items = tuple(photo for photo in gathered.items if photo.name in chosen)
    held = dataclasses.replace(gathered, items=items)
    photos, faults = [photo.read() for photo in items], []
    for photo, content in zip(items, photos, strict=True):
        try:
            to_pixels(content, preprocess)
        except ImageFault as fault:
            faults.append(f"{photo.name}: {fault}.")
    if faults:
        raise DataError(f"{len(faults)} photo{'s' if len(faults) > 1 else ''} cannot be used:", faults[:50])
    alone = singles(given)
    with Bar() as bar, network.Network(file, given) as opened:
        found = replays.with_right(photos, given, opened, alone, bar.told)
        why = None
        if log is not None:
            rows = {photo.name: row for row, photo in enumerate(items)}
            own = [rows[image.file] for image in log.images]
            why = diagnosis.explain(log.images, own, [p.name for p in items], photos, found, opened, bar.told)
    costs = diagnosis.costs(found, alone, held.labels)
    told = None if why is None else diagnosis.words(why)
    if json:
        value: dict[str, Any] = {
            "schema": 1,
            "file": str(file),
            "runtime": opened.runtime,
            "photos": len(items),
            "mistakes": to_json(costs),
            "diagnosis": to_json(why),
            "says": told,
        }
        typer.echo(json_module.dumps(value, ensure_ascii=False))
    else:
        _show(costs, len(items), len(gathered.items))
        for line in told or ():
            console().print(line, highlight=False, markup=False, soft_wrap=True)
    if why is not None and why.finding.outcome != "none":
        raise typer.Exit(1)


def _prepared(file: Path, data: Path, recipe: str | None) -> tuple[Preprocess, tuple[str, ...]]:
    """How pixels are prepared, and the classes."""
    from edgetl import origins
    from edgetl import photos as photographs
    from edgetl.errors import InputError

    if not file.exists():
        raise InputError(f"{file}: no such file.")
    if recipe is not None:
        from edgetl.recipefile import load_recipe

        return load_recipe(recipe).recipe.preprocess, photographs.gather(data).class_names
    origin = origins.insist(file)
    if origin.several:
        raise InputError(f"{file}: answers several labels an image, a folder of photos gives one; this command cannot judge it.")
    return origin.preprocess, origin.class_names


def _show(costs: tuple[Cost, ...], shown: int, there: int) -> None:
    """The table, the right way first."""
    from rich.table import Table

    some = "" if shown == there else f" of {there}"
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    for number, name in enumerate((f"what the app does ({shown}{some} photos)", "top-1", "95 %", "agrees")):
        table.add_column(name, justify="left" if number == 0 else "right", no_wrap=True)
    for cost in costs:
        name = "the right way" if cost.name == "none" else cost.name
        between = f"{cost.interval[0]:.3f}–{cost.interval[1]:.3f}"
        table.add_row(name, f"{cost.top1:.3f}", between, f"{cost.agreement:.3f}")
    console().print(table, highlight=False, markup=False)
