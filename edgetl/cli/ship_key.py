"""`edgetl ship key NAME`: make a pair of keys to sign with."""

from __future__ import annotations

import json as json_module
from pathlib import Path
from typing import Annotated

import typer

from edgetl.cli._options import JsonOption


def add(ship: typer.Typer) -> None:
    """Add the command."""
    ship.command("key", help="Make a pair of keys: NAME.key signs and stays secret, NAME.pub is given to whoever checks.")(_key)


def _key(
    name: Annotated[Path, typer.Argument(metavar="NAME", help="Path of both files without their ending.")],
    json: JsonOption = False,
) -> None:
    from edgetl.signing import new_pair

    secret, public, key_id = new_pair(name)
    if json:
        found = {"schema": 1, "secret": str(secret), "public": str(public), "id": key_id}
        typer.echo(json_module.dumps(found, ensure_ascii=False))
        return
    typer.echo(f"{secret}: signs; keep it to yourself, and a copy of it where it cannot burn\n{public}: checks; give it away")
    typer.echo(f"id {key_id}")
