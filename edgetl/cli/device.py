"""`edgetl device …`: the devices on the desk. One function for each command; what is long lives in a module of its own."""

from __future__ import annotations

import json as json_module
from typing import TYPE_CHECKING, Annotated, Any

import typer

from edgetl.cli import device_profiles
from edgetl.cli._options import JsonOption

if TYPE_CHECKING:
    from edgetl.desk import Way

_MEND = {
    "litert": "Install there: python3 -m pip install ai-edge-litert numpy",
    "onnxruntime": "Install there: python3 -m pip install onnxruntime numpy",
    "coreml": "Install there: python3 -m pip install coremltools numpy pillow",
}


def register(app: typer.Typer) -> None:
    """Add the commands."""
    device = typer.Typer(help="Device profiles, and the devices on your desk.", no_args_is_help=True, rich_markup_mode=None)
    app.add_typer(device, name="device")

    device_profiles.add(device)

    @device.callback()
    def _top() -> None:
        pass

    @device.command(help="What answers, with which runtimes, and how to mend the rest. Exit 5 when a named one does not.")
    def doctor(
        name: Annotated[
            str | None, typer.Argument(metavar="[NAME]", help="A device of connections.yaml, or a connection; all when left out.")
        ] = None,
        json: JsonOption = False,
    ) -> None:
        from edgetl import desk, registry

        if name is not None:
            ways = [desk.way(name)]
        else:
            path = desk.find()
            ways = list(desk.read(path).values()) if path is not None else []
        devices = [examine(way) for way in ways]
        here = {n: registry.load("connections", n).unavailable() for n in registry.names("connections")} if name is None else {}
        if json:
            found = {"schema": 1, "devices": devices} | ({"connections": here} if name is None else {})
            typer.echo(json_module.dumps(found, ensure_ascii=False))
        else:
            _show(devices, here, asked=name is not None)
        if name is not None and not devices[0]["reachable"]:
            raise typer.Exit(5)
        if name is not None and not any(devices[0]["runtimes"].values()):
            raise typer.Exit(3)

    @device.command(help="Make here what a connection needs, once: the ARM64 Python that arm64_emulated runs.")
    def prepare(
        name: Annotated[str, typer.Argument(metavar="NAME", help="A connection, or a device of connections.yaml.")],
    ) -> None:
        import sys

        from rich.console import Console

        from edgetl import desk
        from edgetl.errors import InputError

        way = desk.way(name)
        if not hasattr(way.connection, "prepare"):
            raise InputError(f"{way.via} needs nothing prepared. What it needs is told by: edgetl device doctor {name}")
        console = Console(stderr=True)
        if sys.stderr.isatty():
            with console.status("preparing") as status:
                done = way.connection.prepare(way.settings, status.update)
        else:
            done = way.connection.prepare(way.settings, lambda what: typer.echo(what, err=True))
        typer.echo(done)


def examine(way: Way) -> dict[str, Any]:
    """Ask one device what it has.

    Args:
        way: how it is reached.

    Returns:
        `name`, `via`, `evidence`, `reachable`, `reason` (None, or why not and how to mend it), `runtimes` (those that the
        connection can use: name → version, or None), and what the device says of itself.
    """
    from edgetl.errors import EdgetlError

    connection = way.connection
    found: dict[str, Any] = {"name": way.device, "via": way.via, "evidence": connection.EVIDENCE}
    reason = connection.unavailable()
    told: dict[str, Any] = {}
    if reason is None:
        try:
            told = connection.probe(way.settings)
        except EdgetlError as error:
            reason = str(error)
    runtimes = {name: told.get("runtimes", {}).get(name) for name in connection.RUNTIMES}
    return {**found, "reachable": reason is None, "reason": reason, **told, "runtimes": runtimes}


def _show(devices: list[dict[str, Any]], here: dict[str, str | None], *, asked: bool) -> None:
    """Print for people."""
    for row in devices:
        typer.echo(f"{row['name']} via {row['via']} ({row['evidence']}): {'answers' if row['reachable'] else 'unreachable'}")
        if row["reason"]:
            typer.echo(f"  ✗ {row['reason']}")
            continue
        said = [f"{key} {row[key]}" for key in ("system", "machine", "cpu", "python") if row.get(key)]
        typer.echo(f"  {', '.join(said)}")
        for name, version in row["runtimes"].items():
            typer.echo(f"  {name:<16}{version or 'not there. ' + _MEND[name]}")
    if not asked:
        if not devices:
            typer.echo(
                "No devices: no connections.yaml here. It says how each is reached: my-board: {via: ssh, host: user@address}"
            )
        typer.echo("connections:")
        for name, reason in here.items():
            typer.echo(f"  {name:<16}{reason or 'ready'}")
