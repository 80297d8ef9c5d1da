"""`edgetl ship verify BUNDLE`: check everything in a bundle, and name the first thing wrong."""

from __future__ import annotations

import json as json_module
from pathlib import Path
from typing import Annotated

import typer

from edgetl.cli._options import JsonOption


def add(ship: typer.Typer) -> None:
    """Add the command."""
    ship.command("verify", help="Check all of a bundle, and name the first thing wrong. Exit 1 when there is one.")(_verify)


def _verify(
    bundle: Annotated[Path, typer.Argument(metavar="BUNDLE", help="The folder `bundle` of a run, or its bundle.zip.")],
    key: Annotated[
        Path | None, typer.Option("--key", metavar="PUB", help="Public key that must have signed it [origin not checked].")
    ] = None,
    json: JsonOption = False,
) -> None:
    from edgetl.bundle.faults import BundleFault
    from edgetl.bundle.verifying import verify_bundle
    from edgetl.errors import InputError
    from edgetl.types import to_json

    if not bundle.exists():
        raise InputError(f"{bundle}: no such bundle; give the folder `bundle` of a run, or its bundle.zip.")
    try:
        found = verify_bundle(bundle, key)
    except BundleFault as error:
        first = error.found[0]
        if json:
            value = {"schema": 1, "bundle": str(bundle), "sound": False, "fault": to_json(first)}
            typer.echo(json_module.dumps(value, ensure_ascii=False))
        else:
            typer.echo(f"{bundle}: {first.kind}: {first.says}")
        raise typer.Exit(1) from None
    if json:
        value = {"schema": 1, "bundle": str(bundle), "sound": True, **to_json(found)}
        typer.echo(json_module.dumps(value, ensure_ascii=False))
        return
    typer.echo(
        f"{bundle}: {found.name} {found.version}, {found.files} files, {found.size_bytes / 1e6:.2f} MB: as it was shipped."
    )
    if found.origin_checked:
        typer.echo(f"Signed by {found.signed_by}, the key given.")
    else:
        signed = f"It names the key {found.signed_by}, which was not asked for" if found.signed_by else "It is not signed"
        typer.echo(f"Origin not checked: anybody can have made it. {signed}; give --key PUB to check who shipped it.")
