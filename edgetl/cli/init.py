"""`edgetl init`: look at a folder of photos and write a recipe that runs."""

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

    @app.command(help="Look at a folder of photos (one sub-folder a class) and write a recipe that runs.")
    def init(
        folder: Annotated[Path, typer.Argument(metavar="DIR", help="Where to write recipe.yaml; made when missing.")],
        photos: Annotated[Path, typer.Option("--photos", metavar="FOLDER", help="The photos.")],
    ) -> None:
        import yaml

        from edgetl import registry
        from edgetl.errors import InputError
        from edgetl.recipe import Data

        goal = folder / "recipe.yaml"
        if goal.exists():
            raise InputError(f"{goal}: is there already. Delete it or choose another folder.")
        if folder.exists() and not folder.is_dir():
            raise InputError(f"{folder}: is not a folder.")
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
        folder.mkdir(parents=True, exist_ok=True)
        temporary = goal.with_suffix(".writing")
        temporary.write_text(text, encoding="utf-8")
        temporary.replace(goal)
        typer.echo(
            f"{goal}: {len(found.samples)} photos in {len(found.class_names)} classes. Next: edgetl run {shlex.quote(str(goal))}"
        )
