"""Where a channel stands: its newest version, found by whoever wants to follow it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from edgetl.channel import keys, losses
from edgetl.channel.index import MAX_VERSION, Held, Release, opened
from edgetl.channel.keys import Trust
from edgetl.channel.paths import index_path, newest_path
from edgetl.channel.remedies import STRANGE, wrong_start
from edgetl.channel.storage import Storage
from edgetl.channel.strict_json import MAX_BYTES
from edgetl.errors import ChannelRefused, InputError


@dataclass(frozen=True, slots=True, kw_only=True)
class Base:
    """What a change starts from."""

    version: int
    """Of the newest index; 0 = none yet."""
    data: bytes
    """Of its file."""
    held: Held | None
    """The newest index; None where there is none, or where its key is no longer listed."""
    lost: bool = False
    """Whether its file is gone; `data` is what `newest.json` holds of it, and may lie there again."""

    @property
    def releases(self) -> tuple[Release, ...]:
        """Of the newest index."""
        return self.held.index.releases if self.held else ()


class WrongStart(ChannelRefused):
    """Trust begins from another key than these channels did."""


def trusted(storage: Storage, trust: Trust) -> Trust:
    """Follow the key lists from what is trusted.

    Raises:
        WrongStart: the first list is not signed by what is trusted.
        ChannelRefused: as `keys.follow`.
    """
    try:
        return keys.follow(trust, storage.read)
    except ChannelRefused as refused:
        if wrong_start(refused, trust):
            asked = f"Is --trust what these channels began with? If it is: {STRANGE}"
            raise WrongStart(refused.code, f"{storage.url}: {refused} {asked}") from refused
        raise ChannelRefused(refused.code, f"{storage.url}: {refused} {STRANGE}") from refused


def base(storage: Storage, channel: str, trust: Trust, past: int = 0) -> Base:
    """Find the newest version, in doubling steps from `newest.json` on: versions have no gaps and are never removed.

    Args:
        storage: of the channels.
        channel: its name.
        trust: of now.
        past: versions up to this one may be gone; their publisher knows it.

    Raises:
        InputError: a version is gone that clients may have seen, and `newest.json` cannot stand in for it.
        ChannelRefused: see `at`.
    """
    data, low = storage.read(newest_path(channel), MAX_BYTES), 0
    newest: Held | None = None
    if data is not None:
        with suppress(ChannelRefused):  # forged, or its key was withdrawn; the versions tell, and the file is replaced
            newest = opened(data, channel, trust.publishers, newest_path(channel))
    if newest is not None:
        low = newest.index.version
        created = storage.read(index_path(channel, low), MAX_BYTES)
        if created is None and losses.can_return(storage.read, trust, newest):
            return Base(version=low, data=newest.data, held=newest, lost=True)
        if created is None and low > past:
            raise InputError(f"{storage.url}: {losses.of_newest(newest)}")
        if created != data:
            newest, low = None, 0  # a version that was never created, or is known to be gone
    named = low

    def there(version: int) -> bool:
        return storage.read(index_path(channel, version), MAX_BYTES) is not None

    low = _climbed(there, low)
    while (found := losses.behind_gap(there, low)) is not None and found > past:
        if not there(low + 1):
            raise InputError(f"{storage.url}: {losses.of_gap(channel, low, found, at(storage, channel, trust, found).held)}")
        low = _climbed(there, low)  # another publisher was at work
    return _base(low, newest.data, channel, trust) if newest and low == named else at(storage, channel, trust, low)


def _climbed(there: Callable[[int], bool], low: int) -> int:
    step, high = 1, low + 1
    while high <= MAX_VERSION and there(high):
        low, step, high = high, step * 2, high + step * 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if there(middle) else (low, middle)
    return low


def at(storage: Storage, channel: str, trust: Trust, version: int) -> Base:
    """Read a version; 0 = before the first.

    Raises:
        InputError: it is missing, or lies under another version's name.
        ChannelRefused: it is none that was signed, whoever's key it names.
    """
    if not version:
        return Base(version=0, data=b"", held=None)
    data = storage.read(index_path(channel, version), MAX_BYTES)
    if data is None:
        raise InputError(f"{storage.url}: {index_path(channel, version)}: is missing; versions must never be removed.")
    return _base(version, data, channel, trust)


def _base(version: int, data: bytes, channel: str, trust: Trust) -> Base:
    where = index_path(channel, version)
    try:
        held = opened(data, channel, trust.publishers, where)
    except ChannelRefused as refused:
        if refused.code != "key-unknown":
            raise ChannelRefused(refused.code, f"{refused} {STRANGE}") from refused
        held = None
    if held is not None and held.index.version != version:
        raise InputError(f"{where}: is version {held.index.version} under another name. {STRANGE}")
    return Base(version=version, data=data, held=held)
