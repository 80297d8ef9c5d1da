"""`edgetl ship schema`: the JSON Schema of a bundle's manifest."""

from __future__ import annotations

import json as json_module

import typer


def add(ship: typer.Typer) -> None:
    """Add the command."""
    ship.command("schema", help="Print the JSON Schema of a bundle's manifest.json.")(_schema)


def _schema() -> None:
    from edgetl.bundle.manifest import schema

    typer.echo(json_module.dumps(schema(), indent=2, ensure_ascii=False))
