"""`edgetl channel status`: what a channel says."""

from __future__ import annotations

import json as json_module

import typer

from edgetl.cli._channel import ChannelOption, ClientTrustOption, ClockOption, UrlOption, day, known, lines, reader
from edgetl.cli._options import JsonOption


def add(channel: typer.Typer) -> None:
    """Add the command."""

    @channel.command(help="Show the newest version, its releases and keys, having checked them as a client does.")
    def status(
        url: UrlOption, channel: ChannelOption, trust: ClientTrustOption, clock: ClockOption = None, json: JsonOption = False
    ) -> None:
        from edgetl.channel.index import as_json
        from edgetl.channel.paths import newest_path
        from edgetl.channel.strict_json import MAX_BYTES

        read = reader(url)
        now = known(read, channel, trust, clock)
        assert now.held is not None
        index, current = now.held.index, read(newest_path(channel), MAX_BYTES) == now.held.data
        keys = [{"id": one.key.id, "public": one.public, "rotates": one.rotates} for one in now.trust.keys]
        if json:
            found = {"schema": 1, "url": url, "signed_by": now.held.key_id, "newest_json_current": current}
            found |= {"index": as_json(index), "keys": {"version": now.trust.version, "keys": keys}}
            typer.echo(json_module.dumps(found))
            return
        typer.echo(
            f"{channel}: version {index.version} ({index.action} on {day(index.created_s)}), valid until {day(index.expires_s)}"
        )
        for line in (line for release in index.releases for line in lines(release)):
            typer.echo(f"  {line}")
        typer.echo(f"  signed by {now.held.key_id}; key list {now.trust.version}: {', '.join(str(row['id']) for row in keys)}")
        if not current:
            typer.echo("  newest.json is behind: its publisher died. Clients go on by themselves; the next change mends it.")
