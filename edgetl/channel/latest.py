"""The newest index that can be trusted: what every client does before it decides anything."""

from __future__ import annotations

from dataclasses import dataclass

from edgetl.channel import keys
from edgetl.channel.index import Held, opened
from edgetl.channel.keys import Read, Trust
from edgetl.channel.paths import index_path, newest_path
from edgetl.channel.strict_json import MAX_BYTES
from edgetl.errors import ChannelRefused

MAX_STEPS = 1000
"""Most versions that are followed behind `newest.json`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What a client knows of a channel, kept from one time to the next."""

    trust: Trust
    held: Held | None = None


def latest(read: Read, channel: str, known: Known, now_s: int) -> Known:
    """Find the newest index.

    Args:
        read: of the storage; may be anyone's.
        channel: its name.
        known: from last time.
        now_s: the client's clock; one that is behind the newest index seen counts as that index' time.

    Returns:
        What is known now; its index is there and has not expired.

    Raises:
        ChannelRefused: with its code; `known` is still what holds.
    """
    trust = keys.follow(known.trust, read)
    held = known.held
    if held is not None and held.key_id not in {key.id for key in trust.publishers}:
        held = None  # its key was withdrawn: whoever stole it may have counted ahead
    data = read(where := newest_path(channel), MAX_BYTES)
    if data is not None:
        found = _opened(data, channel, trust, where)
        if held is None or found.index.version > held.index.version:
            held = found
        elif found.index.version < held.index.version:
            _still_there(read, channel, trust, held, found)
        elif found.sha256 != held.sha256:
            raise ChannelRefused("other-history", f"{where}: is another version {found.index.version} than the one seen before.")
    following = _followed(read, channel, trust, held)
    if following is None:
        raise ChannelRefused("missing", f"{where}: is not there; is this the channel's address, and was anything published?")
    clock_s = max(now_s, held.index.created_s if held else 0)
    if following.index.expires_s <= clock_s:
        days = (clock_s - following.index.expires_s) / 86_400
        message = (
            f"version {following.index.version} expired {days:.1f} days ago by this clock, and its publisher has not renewed it."
        )
        raise ChannelRefused("expired", f"{where}: {message}")
    return Known(trust=trust, held=following)


def _still_there(read: Read, channel: str, trust: Trust, held: Held, served: Held) -> None:
    """See whether only `newest.json` is behind what was seen before, or all of the channel."""
    data = read(where := index_path(channel, held.index.version), MAX_BYTES)
    if data is None or _opened(data, channel, trust, where).sha256 != held.sha256:
        message = f"is version {served.index.version}, and version {held.index.version}, seen before, is gone. Ask again later."
        raise ChannelRefused("older-index", f"{newest_path(channel)}: {message}")


def _followed(read: Read, channel: str, trust: Trust, held: Held | None) -> Held | None:
    """Go on behind `newest.json`, which a publisher that was killed, or is slow, may have left behind."""
    for _ in range(MAX_STEPS):
        version, sha256 = (held.index.version, held.sha256) if held else (0, "")
        where = index_path(channel, version + 1)
        data = read(where, MAX_BYTES)
        if data is None:
            return held
        found = _opened(data, channel, trust, where)
        if found.index.version != version + 1 or found.index.previous != sha256:
            raise ChannelRefused("other-history", f"{where}: does not follow version {version}.")
        held = found
    raise ChannelRefused("malformed", f"{newest_path(channel)}: is more than {MAX_STEPS} versions behind.")


def _opened(data: bytes, channel: str, trust: Trust, where: str) -> Held:
    found = opened(data, channel, trust.publishers, where)
    if found.index.keys > trust.version:
        message = f"{where}: knows key list {found.index.keys}, but only {trust.version} is served."
        raise ChannelRefused("keys-withheld", message)
    return found
