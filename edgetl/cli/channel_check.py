"""`edgetl channel check`: what a client would get, and why not more."""

from __future__ import annotations

import json as json_module
from typing import Annotated

import typer

from edgetl.cli._channel import ChannelOption, ClientTrustOption, ClockOption, UrlOption, describe, known, reader
from edgetl.cli._options import JsonOption


def add(channel: typer.Typer) -> None:
    """Add the command."""

    @channel.command(help="Say what a client would get, and why not more.")
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
        json: JsonOption = False,
    ) -> None:
        from edgetl.channel.choice import Client, choose, place
        from edgetl.types import to_json

        name, _, version = system.partition("=")
        client = Client(app=app, system=name, system_version=version or "0", device=device, id=id, formats=tuple(format))
        now = known(reader(url), channel, trust, clock)
        assert now.held is not None
        index = now.held.index
        choice = choose(index, client)
        places = {release.number: place(release.salt, id) / 2**32 for release in index.releases}
        if json:
            found = {
                "schema": 1,
                "url": url,
                "version": index.version,
                "release": to_json(choice.release),
                "file": to_json(choice.file),
            }
            passed = [{"release": n, "reason": reason, "place": places[n]} for n, reason in choice.passed_over]
            typer.echo(json_module.dumps(found | {"passed_over": passed}))
            return
        for number, reason in choice.passed_over:
            where = f" (it stands at {100 * places[number]:.2f}%)" if reason == "rollout" else ""
            typer.echo(f"release {number}: not for it: {reason}{where}")
        if choice.release is None or choice.file is None:
            typer.echo("Nothing of this channel is for it; it keeps what it has.")
        else:
            typer.echo(f"release {choice.release.number}: {describe(choice.release)}\n  {choice.file.path}")
