"""`edgetl channel status` and `check`: what a channel says, and what a client would get."""

from __future__ import annotations

import json as json_module
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from edgetl.cli._channel import ChannelOption, UrlOption, day, describe
from edgetl.cli._options import JsonOption

if TYPE_CHECKING:
    from edgetl.channel.keys import Read
    from edgetl.channel.latest import Known

_Trust = Annotated[
    Path, typer.Option("--trust", "--key", metavar="FILE", help="Public key, or key list, that clients are built with.")
]
_At = Annotated[int | None, typer.Option("--clock", metavar="SECONDS", help="The client's clock, seconds since 1970 [now].")]


def add(channel: typer.Typer) -> None:
    """Add the commands."""

    @channel.command(help="Show the newest version, its releases and keys, having checked them as a client does.")
    def status(url: UrlOption, channel: ChannelOption, trust: _Trust, clock: _At = None, json: JsonOption = False) -> None:
        from edgetl.channel.index import as_json
        from edgetl.channel.latest import newest_path

        read = _reader(url)
        known = _known(read, channel, trust, clock)
        assert known.held is not None
        index, current = known.held.index, read(newest_path(channel), 1_000_000) == known.held.data
        keys = [{"id": one.key.id, "public": one.public, "rotates": one.rotates} for one in known.trust.keys]
        if json:
            found = {"schema": 1, "url": url, "signed_by": known.held.key_id, "newest_json_current": current}
            found |= {"index": as_json(index), "keys": {"version": known.trust.version, "keys": keys}}
            typer.echo(json_module.dumps(found))
            return
        typer.echo(
            f"{channel}: version {index.version} ({index.action} on {day(index.created_s)}), valid until {day(index.expires_s)}"
        )
        for release in index.releases:
            typer.echo(f"  release {release.number}: {describe(release)}")
        typer.echo(
            f"  signed by {known.held.key_id}; key list {known.trust.version}: {', '.join(str(row['id']) for row in keys)}"
        )
        if not current:
            typer.echo("  newest.json is behind: its publisher died. Clients go on by themselves; the next change mends it.")

    @channel.command(help="Say what a client would get, and why not more.")
    def check(
        url: UrlOption,
        channel: ChannelOption,
        trust: _Trust,
        app: Annotated[str, typer.Option("--app", metavar="VERSION", help="Version of its app.")],
        system: Annotated[str, typer.Option("--os", metavar="NAME=VERSION", help="Its system.")],
        device: Annotated[str, typer.Option("--device", metavar="MODEL", help="Its model.")],
        id: Annotated[str, typer.Option("--id", metavar="TEXT", help="What it drew at random once; places it in rollouts.")],
        format: Annotated[list[str], typer.Option("--format", metavar="FORMAT", help="What it runs. Repeatable.")],
        clock: _At = None,
        json: JsonOption = False,
    ) -> None:
        from edgetl.channel.choice import Client, choose, place
        from edgetl.types import to_json

        name, _, version = system.partition("=")
        client = Client(app=app, system=name, system_version=version or "0", device=device, id=id, formats=tuple(format))
        known = _known(_reader(url), channel, trust, clock)
        assert known.held is not None
        index = known.held.index
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


def _reader(url: str) -> Read:
    from edgetl.channel.storage import Storage
    from edgetl.channel.transport import Address

    return Address(base=url).read if url.startswith(("http://", "https://")) else Storage(url).read


def _known(read: Read, channel: str, trust: Path, clock: int | None) -> Known:
    import time

    from edgetl.channel import keys
    from edgetl.channel.latest import Known, latest

    return latest(read, channel, Known(trust=keys.trusted(trust)), int(time.time()) if clock is None else clock)
