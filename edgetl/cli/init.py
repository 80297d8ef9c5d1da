"""`edgetl init`: look at a folder of photos and write a recipe that runs, and a workflow that runs it in CI."""

from __future__ import annotations

import os
import re
import shlex
from pathlib import Path
from typing import Annotated, Any

import typer

_TEMPLATE = """\
# Written by `edgetl init`. Run it with:  edgetl run {path}
# Every key is explained by `edgetl recipe schema`; change one for a single run with --set train[0].epochs=3
schema: 1
name: {name}
data: {{source: folder, path: {photos}, split: {{train: 0.6, val: 0.2, test: 0.2, seed: 0}}}}
# {images} photos in {classes} classes. weights: bundled needs no network; with one, `alpha: 1.0, input_px: 224,
# weights: imagenet` is far more accurate on photos.
backbone: {{name: mobilenet_v2, alpha: 0.35, input_px: 96, weights: bundled}}
head: {{dropout: 0.2}}
augment: {{flip: true, zoom: 0.2, brightness: 0.2}}
train:
  - {{phase: head, freeze: all, epochs: 10, learning_rate: 1.0e-3}}
  - {{phase: fine_tune, freeze: none, epochs: 20, learning_rate: 1.0e-3, batch_norm: update}}
quantize: {{scheme: w8a8_qat, epochs: 3, learning_rate: 1.0e-5}}
targets:
  - {{format: tflite, scheme: w8a8_qat}}
  - {{format: onnx, scheme: w8a8_qat}}
  - {{format: coreml, scheme: fp16}}
devices: [pixel-4, galaxy-s24, iphone-14-pro]
# A gate that fails stops the bundle. Set them to what your app needs.
gates: {{max_top1_drop: 0.03}}
"""


def register(app: typer.Typer) -> None:
    """Add the command."""

    @app.command(help="Look at a folder of photos (one sub-folder a class) and write a recipe that runs; a workflow for CI, too.")
    def init(
        folder: Annotated[Path, typer.Argument(metavar="DIR", help="Where to write recipe.yaml; made when missing.")],
        photos: Annotated[
            Path | None, typer.Option("--photos", metavar="FOLDER", help="The photos; none where recipe.yaml is there.")
        ] = None,
        ci: Annotated[
            str | None, typer.Option("--ci", metavar="SERVICE", help="Write a workflow that runs the recipe: github, gitlab.")
        ] = None,
    ) -> None:
        from edgetl import workflow
        from edgetl.errors import InputError

        goal = folder if ci is not None and folder.suffix in (".yaml", ".yml") else folder / "recipe.yaml"
        if goal.exists() and (ci is None or photos is not None):
            raise InputError(f"{goal}: is there already. Delete it or choose another folder.")
        if not goal.exists() and photos is None:
            raise InputError(f"{goal}: is not there, and a new one needs photos. Give their folder: --photos FOLDER.")
        if goal == folder / "recipe.yaml" and folder.exists() and not folder.is_dir():
            raise InputError(f"{folder}: is not a folder.")
        if ci is not None:
            workflow.place(ci, goal.parent)  # refused before anything is written
        if photos is not None:
            _write_recipe(goal, photos)
        if ci is not None:
            _write_workflow(ci, goal)


def _write_recipe(goal: Path, photos: Path) -> None:
    import yaml

    from edgetl import registry
    from edgetl.recipe import Data

    folder = goal.parent
    found: Any = registry.load("datasets", "folder").load(Data(source="folder", path=str(photos)))
    name = re.sub(r"[^a-z0-9_.-]+", "-", folder.resolve().name.lower()).strip("-_.")[:64] or "photos"
    relative = os.path.relpath(photos.resolve(), folder.resolve())
    text = _TEMPLATE.format(
        path=shlex.quote(str(goal)),
        name=name if not name.isdigit() else f"photos-{name}",
        photos=yaml.safe_dump(relative, default_flow_style=True, allow_unicode=True, width=10_000).partition("\n")[0],
        images=len(found.samples),
        classes=len(found.class_names),
    )
    _write(goal, text)
    typer.echo(
        f"{goal}: {len(found.samples)} photos in {len(found.class_names)} classes. Next: edgetl run {shlex.quote(str(goal))}"
    )


def _write_workflow(ci: str, recipe: Path) -> None:
    from edgetl import workflow
    from edgetl.recipefile import load_recipe

    made = workflow.plan(ci, load_recipe(str(recipe)))
    _write(made.path, made.text)
    written = made.path.relative_to(made.root).as_posix()
    lines = [f"{written}: runs {made.held[0]} in CI. Paths are from {made.root}."]
    if not made.is_repository:
        lines.append("That is no git repository: `git init` there, as services look for the file at the root of one.")
    lines.append(f"Commit {', '.join((written, *made.held))}.")
    if made.outside:
        lines.append(f"CI does not have {', '.join(made.outside)}: outside of the repository. Add a step that brings it.")
    lines.append(
        f"It installs {made.install}. Until that is in pip's index, set EDGETL in {written} to a git address or to a wheel that "
        "you commit."
    )
    for line in lines:
        typer.echo(line)


def _write(goal: Path, text: str) -> None:
    goal.parent.mkdir(parents=True, exist_ok=True)
    temporary = goal.with_name(f"{goal.name}.writing")
    temporary.write_text(text, encoding="utf-8")
    temporary.replace(goal)
