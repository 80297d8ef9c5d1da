"""Where a channel stands: its newest version, found by whoever wants to follow it."""

from __future__ import annotations

from dataclasses import dataclass

from edgetl.channel import envelope
from edgetl.channel.index import Held, Release, opened
from edgetl.channel.keys import Trust
from edgetl.channel.latest import index_path, newest_path
from edgetl.channel.storage import Storage
from edgetl.errors import ChannelRefused, InputError


@dataclass(frozen=True, slots=True, kw_only=True)
class Base:
    """What a change starts from."""

    version: int
    """Of the newest index; 0 = none yet."""
    sha256: str
    held: Held | None
    """The newest index; None where there is none, or where its key is no longer listed."""

    @property
    def releases(self) -> tuple[Release, ...]:
        """Of the newest index."""
        return self.held.index.releases if self.held else ()


def base(storage: Storage, channel: str, trust: Trust) -> Base:
    """Find the newest version, in doubling steps from `newest.json` on: versions have no gaps and are never removed."""
    low, data = 0, storage.read(newest_path(channel), envelope.MAX_BYTES)
    if data is not None:
        try:
            low = opened(data, channel, trust.publishers, newest_path(channel)).index.version
        except ChannelRefused:
            low = 0  # forged, or its key was withdrawn; the versions tell, and the file is replaced

    def there(version: int) -> bool:
        return storage.size_bytes(index_path(channel, version)) is not None

    step, high = 1, low + 1
    while there(high):
        low, step, high = high, step * 2, high + step * 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if there(middle) else (low, middle)
    return at(storage, channel, trust, low)


def at(storage: Storage, channel: str, trust: Trust, version: int) -> Base:
    """Read a version; 0 = before the first.

    Raises:
        InputError: it is missing.
        ChannelRefused: it is none that was signed, whoever's key it names.
    """
    where = index_path(channel, version)
    if not version:
        return Base(version=0, sha256="", held=None)
    data = storage.read(where, envelope.MAX_BYTES)
    if data is None:
        raise InputError(f"{storage.url}: {where}: is missing; versions must never be removed.")
    try:
        held = opened(data, channel, trust.publishers, where)
    except ChannelRefused as refused:
        if refused.code != "key-unknown":
            raise
        held = None
    return Base(version=version, sha256=envelope.sha256(data), held=held)
