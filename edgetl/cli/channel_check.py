"""`edgetl channel check`: what a client would get, and why not more."""

from __future__ import annotations

import json as json_module
from typing import TYPE_CHECKING, Annotated, Any

import typer

from edgetl.cli._channel import ChannelOption, ClientTrustOption, ClockOption, UrlOption, known, lines, os_version, reader, served
from edgetl.cli._options import JsonOption

if TYPE_CHECKING:
    from edgetl.channel.index import Release

FORMATS = ("tflite", "onnx", "coreml")


def add(channel: typer.Typer) -> None:
    """Add the command."""

    @channel.command(help="Say what a client would get, and why not more; its bundle is fetched and checked as a client does.")
    def check(
        url: UrlOption,
        channel: ChannelOption,
        trust: ClientTrustOption,
        app: Annotated[str, typer.Option("--app", metavar="VERSION", help="Version of its app.")],
        system: Annotated[str, typer.Option("--os", metavar="NAME=VERSION", help="Its system.")],
        device: Annotated[str, typer.Option("--device", metavar="MODEL", help="Its model.")],
        id: Annotated[str, typer.Option("--id", metavar="TEXT", help="What it drew at random once; places it in rollouts.")],
        format: Annotated[list[str], typer.Option("--format", metavar="FORMAT", help="What it runs. Repeatable.")],
        clock: ClockOption = None,
        fetch: Annotated[
            bool, typer.Option("--fetch/--no-fetch", help="Fetch the bundle, and check its size and sha256.")
        ] = True,
        json: JsonOption = False,
    ) -> None:
        from edgetl.channel import losses
        from edgetl.channel.choice import Client, choose, place
        from edgetl.channel.index import release_json
        from edgetl.errors import InputError, did_you_mean
        from edgetl.types import to_json

        if strange := [name for name in format if name not in FORMATS]:
            raise InputError(f"--format: {strange[0]!r} is no format of artifacts. {did_you_mean(strange[0], FORMATS)}")
        name, version = os_version(system)
        client = Client(app=app, system=name, system_version=version, device=device, id=id, formats=tuple(format))
        read = reader(url)
        now = known(url, read, channel, trust, clock)
        assert now.held is not None
        index = now.held.index
        choice = choose(index, client)
        places = {release.number: place(release.salt, id) / 2**32 for release in index.releases}
        bundle, faults = _bundle(url, choice.release, fetch=fetch), losses.told(read, now)
        if json:
            found: dict[str, Any] = {"schema": 1, "url": url, "version": index.version}
            found |= {"release": choice.release and release_json(choice.release), "file": to_json(choice.file), "bundle": bundle}
            passed = [{"release": n, "reason": reason, "place": places[n]} for n, reason in choice.passed_over]
            typer.echo(json_module.dumps(found | {"passed_over": passed, "faults": faults}))
        else:
            for number, reason in choice.passed_over:
                where = f" (it stands at {100 * places[number]:.2f}%)" if reason == "rollout" else ""
                typer.echo(f"release {number}: not for it: {reason}{where}")
            if choice.release is None or choice.file is None or bundle is None:
                typer.echo("Nothing of this channel is for it; it keeps what it has.")
            else:
                typer.echo(f"{lines(choice.release)[0]}\n  {choice.file.path}")
                refused = f"{bundle['status']}: {bundle['message']} A client refuses it, and keeps what it has."
                typer.echo(f"  bundle: {refused if bundle['message'] else bundle['status']}")
            for fault in faults:
                typer.echo(fault)
        if faults or (bundle is not None and bundle["message"]):
            raise typer.Exit(1)


def _bundle(url: str, release: Release | None, *, fetch: bool) -> dict[str, str] | None:
    """What becomes of the bundle: `status` is `whole`, `not fetched` or the code of a refusal, which `message` tells."""
    import os

    from edgetl.channel import bundles
    from edgetl.channel.storage import Storage
    from edgetl.errors import ChannelRefused

    if release is None:
        return None
    if not fetch:
        return {"status": "not fetched", "message": ""}
    try:
        place = served(url)
        if isinstance(place, Storage):
            bundles.look(place, release)
        else:
            with open(os.devnull, "wb") as sink:
                bundles.fetch(place, release, sink)
    except ChannelRefused as refused:
        return {"status": refused.code, "message": str(refused)}
    return {"status": "whole", "message": ""}
