"""What the commands of `edgetl channel` share: their options, and who publishes."""

from __future__ import annotations

import json as json_module
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from edgetl.channel.commit import Publisher
    from edgetl.channel.index import Held, Release
    from edgetl.channel.keys import Read
    from edgetl.channel.latest import Known
    from edgetl.channel.storage import Storage
    from edgetl.channel.transport import Address

UrlOption = Annotated[
    str, typer.Option("--to", "--at", metavar="URL", help="Where the channels lie: a folder, s3://bucket/folder, … (fsspec).")
]
ChannelOption = Annotated[str, typer.Option("--channel", metavar="NAME", help="The channel.")]
KeyOption = Annotated[
    Path | None, typer.Option("--key", metavar="FILE", help="Secret key that signs [the text in $EDGETL_SIGNING_KEY].")
]
TrustOption = Annotated[
    Path | None,
    typer.Option("--trust", metavar="FILE", help="Public key, or key list, that trust begins with [the public half of --key]."),
]
DaysOption = Annotated[
    int | None,
    typer.Option(
        "--valid-days",
        metavar="N",
        min=1,
        max=3650,
        help="Clients refuse the index after these days [publish: 90; else as before].",
    ),
]
PastOption = Annotated[
    int,
    typer.Option("--past", metavar="VERSION", min=0, help="Newest version that clients saw, where the storage lost it."),
]
ClientTrustOption = Annotated[
    Path, typer.Option("--trust", "--key", metavar="FILE", help="Public key, or key list, that clients are built with.")
]
ClockOption = Annotated[
    int | None, typer.Option("--clock", metavar="SECONDS", help="The client's clock, seconds since 1970 [now].")
]


def publisher(
    url: str, channel: str, key: Path | None, trust: Path | None, valid_days: int | None = None, past: int = 0
) -> Publisher:
    """Who publishes, by the options.

    Raises:
        InputError: no key, or a name or place that cannot be.
    """
    import re
    import time

    from edgetl import signing
    from edgetl.channel import keys
    from edgetl.channel.commit import Publisher
    from edgetl.channel.index import NAME
    from edgetl.channel.paths import RESERVED
    from edgetl.channel.storage import Storage
    from edgetl.errors import InputError

    secret = signing.secret_key(key)
    if secret is None:
        raise InputError(f"--key: give the file of a secret key, or its text in ${signing.VARIABLE}.")
    if not re.fullmatch(NAME, channel) or channel in RESERVED:
        raise InputError(f"--channel: {channel[:80]!r} must be small letters, digits and ._- (not `keys` or `bundles`).")
    begin = keys.only(secret.public) if trust is None else keys.trusted(trust)
    now_s = int(time.time())
    return Publisher(
        storage=Storage(url), channel=channel, key=secret, trust=begin, now_s=now_s, valid_days=valid_days, past=past
    )


def os_version(text: str) -> tuple[str, str]:
    """Name and version of a system: `android=14`.

    Raises:
        InputError: it is not both.
    """
    from edgetl.errors import InputError

    name, _, version = text.partition("=")
    if not name or not version:
        raise InputError(f"--os: {text[:40]!r} must be NAME=VERSION: android=14, ios=17.2; android=0 is any version.")
    return name, version


def share(text: str) -> int:
    """Ten-thousandths of a rollout: `10%`, `0.1`.

    Raises:
        InputError: it is none from 0 to 100 %.
    """
    from edgetl.channel.index import WHOLE
    from edgetl.errors import InputError

    try:
        value = float(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 1:
        raise InputError(f"--rollout: {text[:40]!r} must be a share like 10% or 0.1.")
    return round(value * WHOLE)


def tell(made: Held, who: Publisher, *, json: bool, why: str = "") -> None:
    """Print the version that was made, and what it means to clients; `why`: it serves what it does."""
    from edgetl.channel import effects, standing
    from edgetl.channel.index import as_json

    index, url = made.index, who.storage.url
    before = standing.at(who.storage, who.channel, standing.trusted(who.storage, who.trust), index.version - 1)
    notes = who.notes + [why] * bool(why) + effects.told(before.releases, index)
    if json:
        found = {"schema": 1, "url": url, "sha256": made.sha256, "index": as_json(index), "notes": notes}
        typer.echo(json_module.dumps(found))
        return
    typer.echo(f"{index.channel}: version {index.version} ({index.action}), valid until {day(index.expires_s)}.")
    for line in (line for release in index.releases for line in lines(release)):
        typer.echo(f"  {line}")
    for note in notes:
        typer.echo(note)


def lines(release: Release) -> list[str]:
    """A release, and who gets which of its files."""
    found, taken = [f"release {release.number}: {describe(release)}"], set[str]()
    for file in release.files:
        to = ", ".join(file.devices) or f"{'all others' if file.format in taken else 'all'} that run {file.format}"
        found.append(f"  {file.path} ({file.size_bytes / 1e6:.2f} MB): {to}")
        taken.add(file.format)
    return found


def describe(release: Release) -> str:
    """A release in one line."""
    from edgetl.channel.effects import percent

    rules = [f"app {release.min_app}+"] if release.min_app else []
    rules += [f"{system.name} {system.version}+" for system in release.systems]
    rules += [", ".join(release.devices)] if release.devices else []
    to = f"{percent(release.rollout)} of clients" + (f" with {'; '.join(rules)}" if rules else "")
    return f"{release.title} {release.version} {release.sha256[:12]}, {release.size_bytes} bytes, to {to}".replace("  ", " ")


def day(seconds: int) -> str:
    """A time for people, UTC."""
    from datetime import UTC, datetime

    return datetime.fromtimestamp(min(seconds, 253402300799), UTC).strftime("%Y-%m-%d %H:%M UTC")


def served(url: str) -> Address | Storage:
    """The place as clients see it over HTTP, else through fsspec."""
    from edgetl.channel.storage import Storage
    from edgetl.channel.transport import Address

    return Address(base=url) if url.startswith(("http://", "https://")) else Storage(url)


def reader(url: str) -> Read:
    """What reads there."""
    from edgetl.channel.storage import Storage

    place = served(url)
    return place.read if isinstance(place, Storage) else place.look()


def known(url: str, read: Read, channel: str, trust: Path, clock: int | None) -> Known:
    """What a client finds that was never there before; what it refuses is told with what a publisher does about it."""
    import time

    from edgetl.channel import keys
    from edgetl.channel.latest import Known, latest
    from edgetl.channel.remedies import remedy
    from edgetl.errors import ChannelRefused

    start = keys.trusted(trust)
    try:
        return latest(read, channel, Known(trust=start), int(time.time()) if clock is None else clock)
    except ChannelRefused as refused:
        more = _others(url) if refused.code == "missing" else remedy(refused, channel, start)
        raise type(refused)(refused.code, f"{refused} {more}".rstrip()) from refused


def _others(url: str) -> str:
    from edgetl.channel.paths import RESERVED
    from edgetl.channel.storage import Storage

    place = served(url)
    names = [name for name in place.folders() if name not in RESERVED] if isinstance(place, Storage) else []
    return f"Channels here: {', '.join(names[:10])}." if names else ""
