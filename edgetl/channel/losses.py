"""Versions that are gone: seen before a publisher signs something else under a number that clients may have seen.

Versions are never removed, so a gap is an accident, an old backup, or the work of somebody who can write to the storage; and a
version ahead of all others is a lost file's copy, or a stolen key's.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable

from edgetl.channel.index import MAX_VERSION, Held, opened
from edgetl.channel.keys import Read, Trust
from edgetl.channel.latest import Known
from edgetl.channel.paths import index_path, newest_path
from edgetl.channel.strict_json import MAX_BYTES, parsed
from edgetl.errors import ChannelRefused

_AHEAD = 4
"""How many numbers behind a missing one are looked at."""


def behind_gap(there: Callable[[int], bool], version: int) -> int | None:
    """First version that is there though the one after `version` is not; None = none that is near."""
    return next((number for number in range(version + 2, min(version + 2 + _AHEAD, MAX_VERSION)) if there(number)), None)


def can_return(read: Read, trust: Trust, held: Held) -> bool:
    """Whether a version whose file is gone, and that `newest.json` still holds, follows the version before it, which is there.

    Its file may then be made again: everybody would have found the same under that name.
    """
    index = held.index
    if index.version == 1:
        return not index.previous
    where = index_path(index.channel, index.version - 1)
    before = read(where, MAX_BYTES)
    if before is None:
        return False
    try:
        outer = parsed(before, where)
    except ChannelRefused:
        return False
    carried = index.previous == hashlib.sha256(str(outer.get("signed")).encode(errors="replace")).hexdigest()
    return carried or (not index.previous and outer.get("key") not in {key.id for key in trust.publishers})


def told(read: Read, known: Known) -> list[str]:
    """What is gone of a channel, for who looks at it.

    Args:
        read: of the storage.
        known: what a client knows now.
    """
    held, found = known.held, list[str]()
    assert held is not None
    channel, version = held.index.channel, held.index.version

    def there(number: int) -> bool:
        return read(index_path(channel, number), MAX_BYTES) is not None

    if not there(version):
        back = f"{index_path(channel, version)}: is gone; {newest_path(channel)} holds the same, and any change puts it back: "
        mend = f"{back}`edgetl channel renew --channel {channel}`."
        found.append(mend if can_return(read, known.trust, held) else of_newest(held))
    elif (behind := behind_gap(there, version)) is not None and not there(version + 1):
        try:
            data = read(index_path(channel, behind), MAX_BYTES) or b""
            later = opened(data, channel, known.trust.publishers, index_path(channel, behind))
        except ChannelRefused:
            later = None
        found.append(of_gap(channel, version, behind, later))
    return found


def of_newest(held: Held) -> str:
    """What a publisher is told where `newest.json` holds a version whose file is gone, and that follows nothing there."""
    version, channel = held.index.version, held.index.channel
    return (
        f"{newest_path(channel)}: is version {version}, {index_path(channel, version)} is gone, and it follows none that is "
        f"there. {_ways(version, held.key_id)}"
    )


def of_gap(channel: str, version: int, found: int, held: Held | None) -> str:
    """What a publisher is told where a version is missing and a later one is there.

    Args:
        channel: its name.
        version: the last before the gap.
        found: the first behind it.
        held: the same; None = no listed key signed it.
    """
    where = f"{index_path(channel, version + 1)}: is gone, and version {found} is there"
    if held is None:
        return f"{where}, which no listed key signed: clients would stop at it. Remove {index_path(channel, found)}."
    return f"{where}. {_ways(found, held.key_id)}"


def _ways(version: int, key_id: str) -> str:
    return (
        "Clients may have seen it, and would refuse another in its place. Was a file lost, or an old state brought back: put the "
        f"files back from a newer backup or, where there is none, go on past it: `edgetl channel renew --past {version}`, or "
        f"`publish` with --past. Was it made with a stolen key: `edgetl channel keys --remove {key_id} --stolen`, then publish "
        "with --anew."
    )
