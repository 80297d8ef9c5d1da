"""What publishers do to a channel: each change is a new version of its index, created exclusively; a loser looks again and repeats."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from edgetl.channel import envelope, keys
from edgetl.channel.index import MAX_RELEASES, WHOLE, Held, Index, Release, opened
from edgetl.channel.keys import Trust
from edgetl.channel.latest import index_path, newest_path
from edgetl.channel.storage import Storage
from edgetl.errors import ChannelRefused, InputError
from edgetl.signing import SecretKey

VALID_DAYS = 90
_TRIES = 200
"""How often a publisher repeats when others are faster."""
_DAY_S = 86_400


@dataclass(frozen=True, slots=True, kw_only=True)
class Publisher:
    """Who changes a channel, where and when."""

    storage: Storage
    channel: str
    key: SecretKey
    trust: Trust
    """Where its trust begins: its own key, or the one that the channel began with."""
    now_s: int
    valid_days: int = VALID_DAYS


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What the next version says."""

    action: str
    releases: tuple[Release, ...]


def bundle_path(sha256: str) -> str:
    """Of a bundle in the storage."""
    return f"bundles/{sha256}.zip"


def base(storage: Storage, channel: str, trust: Trust) -> Base:
    """Find the newest version, in doubling steps from `newest.json` on: versions have no gaps and are never removed."""
    low, data = 0, storage.read(newest_path(channel), envelope.MAX_BYTES)
    if data is not None:
        try:
            low = opened(data, channel, trust.publishers, newest_path(channel)).index.version
        except ChannelRefused:
            low = 0  # forged, or its key was withdrawn; the versions tell, and the file is replaced
    there = lambda version: storage.size_bytes(index_path(channel, version)) is not None  # noqa: E731
    step, high = 1, low + 1
    while there(high):
        low, step, high = high, step * 2, high + step * 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if there(middle) else (low, middle)
    return _read(storage, channel, trust, low)


def _read(storage: Storage, channel: str, trust: Trust, version: int) -> Base:
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


def commit(who: Publisher, change: Callable[[Base], Change], *, anew: bool = False) -> Held:
    """Make a change the next version.

    Args:
        who: publishes.
        change: says what the next version holds, given the newest; asked again where another publisher was faster.
        anew: whether to go on where the newest index' key is no longer listed, forgetting its releases.

    Returns:
        The version that was created. It is in force from its creation on, even if this process dies before `newest.json` names it.

    Raises:
        InputError: the key may not publish here, the storage is none for a channel, or `change` objects.
    """
    storage, channel = who.storage, who.channel
    first = keys.path(1)
    if storage.read(first, envelope.MAX_BYTES) is None and who.trust.version == 0:
        storage.create(first, keys.sealed(who.trust, who.trust.keys, who.key))
    for _ in range(_TRIES):
        trust = keys.follow(who.trust, storage.read)
        if who.key.public not in trust.publishers:
            raise InputError(f"{storage.url}: the key {who.key.public.id} is not in key list {trust.version}; see `edgetl channel keys`.")
        storage.must_exclude(keys.path(trust.version), storage.read(keys.path(trust.version), envelope.MAX_BYTES) or b"")
        start = base(storage, channel, trust)
        if start.version and start.held is None and not anew:
            raise InputError(
                f"{storage.url}: version {start.version} of {channel} is signed by a key that is no longer listed, so nothing of it is "
                "carried on. Publish with --anew: earlier releases are forgotten."
            )
        wanted = change(start)
        created_s = max(who.now_s, start.held.index.created_s if start.held else 0)
        index = Index(
            schema=1, channel=channel, version=start.version + 1, previous=start.sha256, keys=trust.version,
            created_s=created_s, expires_s=created_s + who.valid_days * _DAY_S, action=wanted.action, releases=wanted.releases,  # type: ignore[arg-type]
        )  # fmt: skip
        data = index.sealed(who.key)
        made = opened(data, channel, (who.key.public,), "the new index")  # what clients would refuse is not published
        if storage.create(index_path(channel, index.version), data):
            _point(storage, channel, trust, made)
            return made
    raise InputError(f"{storage.url}: {_TRIES} times another publisher was faster. Try again.")


def _point(storage: Storage, channel: str, trust: Trust, made: Held) -> None:
    """Let `newest.json` be the newest; a slower publisher that wrote an older one sees that by itself."""
    newest: Held | None = made
    while newest is not None:
        storage.replace(newest_path(channel), newest.data)
        now = base(storage, channel, trust).held
        newest = now if now is not None and now.index.version > newest.index.version else None


def publish(who: Publisher, file: Path, release: Release, *, anew: bool = False) -> Held:
    """Upload a bundle, see that it arrived, and make it the newest release.

    Args:
        who: publishes.
        file: the bundle.
        release: what the index says of it; its `number` and `salt` are given by the version that brings it.
        anew: see `commit`.
    """
    storage, path = who.storage, bundle_path(release.sha256)
    if storage.size_bytes(path) is None:
        storage.put(path, file)
    if storage.size_bytes(path) != release.size_bytes or storage.sha256(path) != release.sha256:
        raise InputError(f"{storage.url}: {path}: is not the bundle of that name. Somebody changed it; remove it and publish again.")

    def change(start: Base) -> Change:
        number = start.version + 1
        new = dataclasses.replace(release, number=number, salt=f"{who.channel}/{number}")
        return Change(action="publish", releases=_few((new, *start.releases)))

    return commit(who, change, anew=anew)


def _few(releases: tuple[Release, ...]) -> tuple[Release, ...]:
    if len(releases) <= MAX_RELEASES:
        return releases
    for place, release in enumerate(releases[:MAX_RELEASES]):
        if release.rollout == WHOLE and not (release.min_app or release.systems or release.devices):
            return releases[: max(place + 1, MAX_RELEASES // 2)]
    raise InputError(f"more than {MAX_RELEASES} releases, none of them for everyone. Roll one out to 100%, or roll back.")


def _top(start: Base, number: int | None) -> Release:
    if not start.releases:
        raise InputError("this channel has no release.")
    top = start.releases[0]
    if number is not None and top.number != number:
        raise InputError(f"the newest release is {top.number} by now, not {number}. Look with `edgetl channel status`, then repeat.")
    return top


def rollout(who: Publisher, share: int, number: int | None = None) -> Held:
    """Set how many clients get the newest release.

    Args:
        who: publishes.
        share: ten-thousandths.
        number: of the release that is meant; None = the newest when this begins. Where another is newest by then, nothing is done.
    """
    meant = [number]

    def change(start: Base) -> Change:
        top = _top(start, meant[0])
        meant[0] = top.number
        return Change(action="rollout", releases=(dataclasses.replace(top, rollout=share), *start.releases[1:]))

    return commit(who, change)


def rollback(who: Publisher, number: int | None = None) -> Held:
    """Say again what the channel said before its newest release: the version goes up, the bundle goes back.

    Args:
        who: publishes.
        number: of the release that is taken back; None = the newest when this begins.
    """
    meant = [number]

    def change(start: Base) -> Change:
        top = _top(start, meant[0])
        meant[0] = top.number
        trust = keys.follow(who.trust, who.storage.read)
        for version in range(start.version - 1, 0, -1):
            held = _read(who.storage, who.channel, trust, version).held
            if held is None:
                break  # signed by a key that was withdrawn: nothing before it is taken up
            if held.index.releases and held.index.releases[0].number < top.number:
                _there(who.storage, held.index.releases)
                return Change(action="rollback", releases=held.index.releases)
        raise InputError(f"release {top.number} is the first; there is nothing to go back to.")

    return commit(who, change)


def _there(storage: Storage, releases: tuple[Release, ...]) -> None:
    lost = [r for r in releases if storage.size_bytes(bundle_path(r.sha256)) != r.size_bytes]
    if lost:
        raise InputError(f"{storage.url}: bundles of earlier releases are gone.", [bundle_path(r.sha256) for r in lost])


def renew(who: Publisher) -> Held:
    """Say the same again, for longer."""
    return commit(who, lambda start: Change(action="renew", releases=(_top(start, None), *start.releases[1:])))
