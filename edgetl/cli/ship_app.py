"""`edgetl ship app BUNDLE`: source code of an app for one artifact of a bundle."""

from __future__ import annotations

import json as json_module
from pathlib import Path
from typing import Annotated

import typer

from edgetl.cli._options import JsonOption


def add(ship: typer.Typer) -> None:
    """Add the command."""
    ship.command("app", help="Write an app's source code for one file of a bundle: preprocessing, labels, a golden self-test.")(
        _app
    )


def _app(
    bundle: Annotated[Path, typer.Argument(metavar="BUNDLE", help="The folder `bundle` of a run, or its bundle.zip.")],
    name: Annotated[str, typer.Option("--for", metavar="NAME", help="Platform; `edgetl list apps` names them.")],
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Folder to write: new, empty, or written by this command.")],
    artifact: Annotated[
        str | None,
        typer.Option("--artifact", metavar="FORMAT/SCHEME", help="Which file of the bundle [the only one that runs there]."),
    ] = None,
    package: Annotated[
        str | None, typer.Option("--package", metavar="NAME", help="Package of the code [com.example. and the bundle's name].")
    ] = None,
    json: JsonOption = False,
) -> None:
    from edgetl.apps._generate import generate

    written = generate(bundle, name, artifact, out, package)
    if json:
        typer.echo(json_module.dumps({**written, "bundle": str(bundle), "out": str(out)}, ensure_ascii=False))
        return
    typer.echo(f"{out}: {len(written['files'])} files for {name}, {written['artifact']}, package {written['package']}.")
    typer.echo(f"{out / 'README.md'} says how to build it and how to run its self-test.")
