"""What publishers do to a channel: publish, roll out, take back, renew. Each is a new version of its index."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from edgetl.channel import bundles
from edgetl.channel.commit import Change, Publisher, commit
from edgetl.channel.effects import percent
from edgetl.channel.index import MAX_RELEASES, WHOLE, Held, Release
from edgetl.channel.paths import RESERVED, bundle_path
from edgetl.channel.standing import Base, at, trusted
from edgetl.channel.storage import Storage
from edgetl.errors import ChannelRefused, InputError


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
    try:
        bundles.look(storage, release)
    except ChannelRefused as refused:
        raise InputError(f"{refused} Somebody changed it, or it did not arrive: remove it and publish again.") from refused

    def change(start: Base) -> Change:
        if start.releases and _alike(start.releases[0], release):
            top = start.releases[0]
            raise InputError(
                f"{storage.url}: this bundle is release {top.number} of {who.channel} already, by the same rules, for "
                f"{percent(top.rollout)} of clients. To change how many: `edgetl channel rollout`; to say it for longer: "
                "`edgetl channel renew`."
            )
        number = start.version + 1
        new = dataclasses.replace(release, number=number, salt=f"{who.channel}/{number}")
        return Change(action="publish", releases=_few((new, *start.releases)))

    return _counted(who, commit(who, change, anew=anew))


def _alike(one: Release, other: Release) -> bool:
    """Whether two releases are of one bundle, for the same clients."""
    return one == dataclasses.replace(other, number=one.number, salt=one.salt, rollout=one.rollout)


def _few(releases: tuple[Release, ...]) -> tuple[Release, ...]:
    if len(releases) <= MAX_RELEASES:
        return releases
    for place, release in enumerate(releases[:MAX_RELEASES]):
        if release.rollout == WHOLE and not (release.min_app or release.systems or release.devices):
            return releases[: max(place + 1, MAX_RELEASES // 2)]
    raise InputError(f"more than {MAX_RELEASES} releases, none of them for everyone. Roll one out to 100%, or roll back.")


def _top(who: Publisher, start: Base, number: int | None) -> Release:
    if not start.releases:
        others = [name for name in who.storage.folders() if name not in RESERVED]
        there = f" Channels here: {', '.join(others[:10])}." if others else ""
        raise InputError(
            f"{who.storage.url}: the channel {who.channel!r} has no release.{there} Bring one with `edgetl channel publish`."
        )
    top = start.releases[0]
    if number is not None and top.number != number:
        raise InputError(
            f"{who.storage.url}: the newest release is {top.number} by now, not {number}. Look with `edgetl channel "
            "status`, then repeat."
        )
    return top


def rollout(who: Publisher, share: int, number: int | None = None) -> Held:
    """Set how many clients get the newest release.

    Args:
        who: publishes.
        share: ten-thousandths.
        number: of the release that is meant; None = the newest when this begins. Is another newest by then, nothing is done.
    """
    meant = [number]

    def change(start: Base) -> Change:
        top = _top(who, start, meant[0])
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
        top = _top(who, start, meant[0])
        meant[0] = top.number
        trust = trusted(who.storage, who.trust)
        for version in range(start.version - 1, 0, -1):
            held = at(who.storage, who.channel, trust, version).held
            if held is None:
                break  # signed by a key that was withdrawn: nothing before it is taken up
            if held.index.releases and held.index.releases[0].number < top.number:
                _there(who.storage, held.index.releases)
                return Change(action="rollback", releases=held.index.releases)
        raise InputError(
            f"{who.storage.url}: release {top.number} is the first; there is nothing to go back to. Publish another, or let "
            "nobody else have it: `edgetl channel rollout 0%`."
        )

    return commit(who, change)


def _there(storage: Storage, releases: tuple[Release, ...]) -> None:
    try:
        bundles.look(storage, releases[0])
    except ChannelRefused as refused:
        raise InputError(
            f"{refused} Clients could not go back to release {releases[0].number}. Put its bundle back."
        ) from refused
    lost = [r for r in releases if storage.size_bytes(bundle_path(r.sha256)) != r.size_bytes]
    if lost:
        raise InputError(f"{storage.url}: bundles of earlier releases are gone.", [bundle_path(r.sha256) for r in lost])


def renew(who: Publisher) -> Held:
    """Say the same again, for longer."""
    return _counted(who, _renewed(who))


def _renewed(who: Publisher) -> Held:
    return commit(who, lambda start: Change(action="renew", releases=(_top(who, start, None), *start.releases[1:])))


def _counted(who: Publisher, made: Held) -> Held:
    """Say the same until the version is newer than what clients saw: each version follows the one before it, without a gap."""
    while made.index.version <= who.past:
        made = _renewed(who)
    return made
