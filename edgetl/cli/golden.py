"""`edgetl golden …`: hold what an app logged against the photos and tensors in a bundle."""

from __future__ import annotations

import json as json_module
from pathlib import Path
from typing import Annotated, Any

import typer

from edgetl.cli._console import console
from edgetl.cli._options import JsonOption

_Bundle = Annotated[Path, typer.Argument(metavar="BUNDLE", help="The folder `bundle` of a run, or its bundle.zip.")]
_Artifact = Annotated[
    str | None, typer.Option("--artifact", metavar="FORMAT/SCHEME", help="Which file of the bundle [the only one].")
]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    golden = typer.Typer(
        help="Hold what an app logged against the photos and tensors in a bundle.", no_args_is_help=True, rich_markup_mode=None
    )
    app.add_typer(golden, name="golden")
    golden.command("check", help="Say of each golden photo which step of an app differs first. Exit 1 when one does.")(_check)
    golden.command("run", help="Do with the golden photos what an app does, here, and print the log that it should write.")(_run)


def _check(
    bundle: _Bundle,
    outputs: Annotated[Path, typer.Option("--outputs", metavar="APP.json", help="What the app logged.")],
    artifact: _Artifact = None,
    json: JsonOption = False,
) -> None:
    from edgetl.bundle.opening import opened
    from edgetl.golden.check import hold
    from edgetl.golden.expected import expected
    from edgetl.replay import diagnosis, observed
    from edgetl.types import to_json

    with opened(bundle) as found:
        log = observed.read(outputs, found.class_names)
        name, where = (artifact, "--artifact") if artifact is not None else (log.artifact, "the log")
        checked = hold(found, expected(found, name, where), log)  # type: ignore[arg-type]
    told = None if checked.diagnosis is None else diagnosis.words(checked.diagnosis)
    if json:
        value: dict[str, Any] = {"schema": 1, "bundle": str(bundle), "same": checked.same, **to_json(checked), "says": told}
        typer.echo(json_module.dumps(value, ensure_ascii=False))
    else:
        out = console()
        for image in checked.images:
            out.print(f"{image.file}: {image.first}: {image.says}", highlight=False, markup=False, soft_wrap=True)
        for file in checked.missing:
            out.print(f"{file}: not logged", highlight=False, markup=False)
        for line in told or ():
            out.print(line, highlight=False, markup=False, soft_wrap=True)
    if not checked.same:
        raise typer.Exit(1)


def _run(
    bundle: _Bundle,
    artifact: _Artifact = None,
    out: Annotated[Path | None, typer.Option("--out", metavar="APP.json", help="Write it there [standard output].")] = None,
) -> None:
    import os

    from edgetl.bundle.opening import opened
    from edgetl.errors import InputError
    from edgetl.golden.expected import expected
    from edgetl.golden.log import log

    if out is not None and (out.is_dir() or not out.parent.is_dir()):
        raise InputError(f"--out: {out}: {'is a folder' if out.is_dir() else f'no folder {out.parent}; make it first'}.")
    with opened(bundle) as found:
        text = json_module.dumps(log(found, expected(found, artifact, "--artifact")), ensure_ascii=False)
    if out is None:
        typer.echo(text)
        return
    partial = out.with_name(f"{out.name}.partial")
    partial.write_text(f"{text}\n", encoding="utf-8")
    os.replace(partial, out)
