"""`edgetl list`: what there is to choose from."""

from __future__ import annotations

import json as json_module
from typing import Annotated, Any

import typer

from edgetl.cli._options import JsonOption


def _table(kind: str, alone: bool) -> list[dict[str, Any]]:
    """Rows of one kind: plain values, the name first.

    Beside other kinds, devices, networks and some more are names alone: reading them takes longer than all the rest.
    """
    from edgetl import devices, places, registry
    from edgetl.types import to_json

    if not alone and kind in ("connections", "devices", "logs", "mistakes", "networks"):
        return [{"name": name} for name in (devices.device_names() if kind == "devices" else registry.names(kind))]
    if kind == "devices":
        profiles = [devices.load_device(name) for name in devices.device_names()]
        return [{"name": p.name, "title": p.title, "soc": p.soc.name, "formats": " ".join(p.format_names)} for p in profiles]
    if kind == "recipes":
        from edgetl.yamlfile import read_yaml

        files = sorted(places.shipped("recipes").glob("*.yaml"))
        return [{"name": f.stem, "title": read_yaml(f).value.get("description", "")} for f in files]
    columns = {
        "apps": ("FORMATS", "RUNS", "TITLE"),
        "backbones": ("VARIANTS", "TITLE", "PAPER"),
        "connections": ("EVIDENCE", "RUNTIMES", "TITLE"),
        "converters": ("SCHEMES", "TITLE"),
        "datasets": ("TITLE",),
        "delegates": ("FORMATS", "TITLE"),
        "graphs": ("SUFFIX", "TITLE"),
        "logs": ("TITLE",),
        "methods": ("KIND", "NEEDS", "TITLE"),
        "mistakes": ("STAGE", "TITLE"),
        "networks": ("TITLE", "PAPER", "MODELS"),
        "runtimes": ("FORMATS", "TITLE"),
        "schemes": ("WEIGHT_BITS", "ACTIVATION_BITS", "NEEDS", "TITLE"),
        "workflows": ("FILE", "TITLE"),
    }
    found: list[dict[str, Any]] = []
    for name in registry.names(kind):
        module = registry.load(kind, name)
        values = {column.lower(): getattr(module, column) for column in columns[kind]}
        values = {key: " ".join(value) if isinstance(value, dict) else value for key, value in values.items()}
        if kind == "schemes":
            holding = (c for c in registry.names("converters") if name in registry.load("converters", c).SCHEMES)
            values = {"formats": tuple(holding), **values}
        members = {"members": to_json(tuple(module.SPECS.values()))} if kind == "backbones" else {}
        found.append({"name": name, **members, **{k: " ".join(v) if isinstance(v, tuple) else v for k, v in values.items()}})
    return found


def register(app: typer.Typer) -> None:
    """Add the command."""

    @app.command(
        name="list",
        help="List what there is: "
        + "apps, backbones, connections, converters, datasets, delegates, devices, graphs, logs, methods, mistakes, networks, "
        + "recipes, runtimes, schemes.",
    )
    def list_(
        kind: Annotated[str | None, typer.Argument(metavar="[KIND]", help="One kind; all when left out.")] = None,
        json: JsonOption = False,
    ) -> None:
        from edgetl.errors import UnknownName
        from edgetl.registry import KINDS

        kinds = sorted({*KINDS, "devices", "recipes"})
        if kind is not None and kind not in kinds:
            raise UnknownName("kind", kind, kinds)
        tables = {k: _table(k, kind is not None) for k in ([kind] if kind else kinds)}
        if json:
            typer.echo(json_module.dumps(tables[kind] if kind else tables, ensure_ascii=False))
            return
        for name, rows in tables.items():
            if kind is None:
                typer.echo(f"{name}:")
            rows = [{key: value for key, value in row.items() if key != "members"} for row in rows]
            widths = {key: max(len(str(row[key])) for row in rows) for key in rows[0]} if rows else {}
            for row in rows:
                typer.echo(("  " + "  ".join(f"{row[key]!s:<{width}}" for key, width in widths.items())).rstrip())
