"""`edgetl ship schema`: the JSON Schema of a bundle's manifest, or of its contracts."""

from __future__ import annotations

import json as json_module
from typing import Annotated

import typer


def add(ship: typer.Typer) -> None:
    """Add the command."""
    ship.command("schema", help="Print the JSON Schema of a bundle's manifest.json, or of its contracts.")(_schema)


def _schema(
    contract: Annotated[bool, typer.Option("--contract", help="Of contracts/*.json, which apps read at run time.")] = False,
) -> None:
    from edgetl.bundle import contracts, manifest

    found = contracts.schema() if contract else manifest.schema()
    typer.echo(json_module.dumps(found, indent=2, ensure_ascii=False))
