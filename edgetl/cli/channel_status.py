"""`edgetl channel status`: what a channel says."""

from __future__ import annotations

import json as json_module

import typer

from edgetl.cli._channel import ChannelOption, ClientTrustOption, ClockOption, UrlOption, day, known, lines, reader
from edgetl.cli._options import JsonOption

_WARN_S = 7 * 86_400
"""From when on an end is told; of a short span, in its last tenth."""


def add(channel: typer.Typer) -> None:
    """Add the command."""

    @channel.command(help="Show the newest version, its releases and keys, having checked them as a client does.")
    def status(
        url: UrlOption, channel: ChannelOption, trust: ClientTrustOption, clock: ClockOption = None, json: JsonOption = False
    ) -> None:
        import time

        from edgetl.channel import losses
        from edgetl.channel.index import as_json
        from edgetl.channel.paths import newest_path
        from edgetl.channel.strict_json import MAX_BYTES
        from edgetl.errors import ChannelRefused

        read, expired = reader(url), ""
        try:
            now = known(url, read, channel, trust, clock)
        except ChannelRefused as refused:
            if refused.code != "expired":
                raise
            now, expired = known(url, read, channel, trust, 0), str(refused)
        assert now.held is not None
        index, current = now.held.index, read(newest_path(channel), MAX_BYTES) == now.held.data
        keys = [{"id": one.key.id, "public": one.public, "rotates": one.rotates} for one in now.trust.keys]
        faults = [expired] * bool(expired) + losses.told(read, now)
        left_s = index.expires_s - (int(time.time()) if clock is None else clock)
        warnings = [] if expired or left_s > min(_WARN_S, (index.expires_s - index.created_s) // 10) else [_soon(channel, left_s)]
        if json:
            found = {"schema": 1, "url": url, "signed_by": now.held.key_id, "newest_json_current": current}
            found |= {"index": as_json(index), "keys": {"version": now.trust.version, "keys": keys}}
            typer.echo(json_module.dumps(found | {"expired": bool(expired), "faults": faults, "warnings": warnings}))
        else:
            until = f"{'expired' if expired else 'valid until'} {day(index.expires_s)}"
            typer.echo(f"{channel}: version {index.version} ({index.action} on {day(index.created_s)}), {until}")
            for line in (line for release in index.releases for line in lines(release)):
                typer.echo(f"  {line}")
            ids = ", ".join(str(row["id"]) for row in keys)
            typer.echo(f"  signed by {now.held.key_id}; key list {now.trust.version}: {ids}")
            if not current:
                typer.echo("  newest.json is behind: its publisher died. Clients go on by themselves; the next change mends it.")
            for line in faults + warnings:
                typer.echo(f"  {line}")
        if faults:
            raise typer.Exit(1)


def _soon(channel: str, left_s: int) -> str:
    return f"Expires in {left_s / 86_400:.1f} days; clients then refuse it: `edgetl channel renew --channel {channel}`."
