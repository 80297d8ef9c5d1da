"""Make a change the next version of a channel: created exclusively, so that of two publishers one looks again and repeats."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from edgetl.channel import keys
from edgetl.channel.index import MAX_VERSION, Held, Index, Release, opened
from edgetl.channel.keys import Trust
from edgetl.channel.paths import index_path, newest_path
from edgetl.channel.standing import Base, WrongStart, base, trusted
from edgetl.channel.storage import Storage
from edgetl.errors import ChannelRefused, InputError
from edgetl.signing import SecretKey

VALID_DAYS = 90
_TRIES = 200
"""How often a publisher repeats when others are faster."""
_MAX_PAST = 1000
_DAY_S = 86_400
_AHEAD_S = _DAY_S
"""How far the clocks of two publishers may lie apart."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Publisher:
    """Who changes a channel, where and when."""

    storage: Storage
    channel: str
    key: SecretKey
    trust: Trust
    """Where its trust begins: its own key, or the one that the channel began with."""
    now_s: int
    valid_days: int | None = None
    """None = of a publication `VALID_DAYS`, of any other change as many as the version before it had."""
    past: int = 0
    """Newest version that clients saw, where the storage lost it; versions up to it are counted on."""
    notes: list[str] = field(default_factory=list)
    """What was mended on the way, for the publisher."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What the next version says."""

    action: Literal["publish", "rollout", "rollback", "renew"]
    releases: tuple[Release, ...]


def commit(who: Publisher, change: Callable[[Base], Change], *, anew: bool = False) -> Held:
    """Make a change the next version.

    Args:
        who: publishes.
        change: says what the next version holds, given the newest; asked again where another publisher was faster.
        anew: whether to go on where the newest index' key is no longer listed, forgetting its releases.

    Returns:
        The version that was created. It is in force from its creation on, even if `newest.json` never comes to name it.

    Raises:
        InputError: the key may not publish here, the storage is none for a channel, or `change` objects.
    """
    storage, channel = who.storage, who.channel
    for attempt in range(_TRIES):
        trust = _trust(who)
        if not trust.version:
            change(base(storage, channel, trust))  # what it objects to leaves nothing behind
            first = keys.sealed(trust, trust.keys, who.key)
            storage.create(keys.path(1), first)
            storage.must_exclude(keys.path(1), first)
            continue
        if who.key.public not in trust.publishers:
            raise InputError(
                f"{storage.url}: the key {who.key.public.id} is not in key list {trust.version}; see `edgetl channel keys`."
            )
        start = base(storage, channel, trust, who.past)
        if start.lost:
            _put_back(who, start)
            continue
        if start.version and not attempt:
            storage.must_exclude(index_path(channel, start.version), start.data)
        if start.version and start.held is None and not anew:
            raise InputError(
                f"{storage.url}: version {start.version} of {channel} is signed by a key that is not listed, so nothing of it is "
                "carried on. If the key was listed once, publish with --anew: earlier releases are forgotten. If nobody knows "
                f"it, somebody else can write here: remove {index_path(channel, start.version)}."
            )
        _may_follow(start, who)
        wanted = change(start)
        created_s, previous = (start.held.index.created_s, start.held.sha256) if start.held else (0, "")
        created_s = max(who.now_s, created_s)
        span_s = (who.valid_days or VALID_DAYS) * _DAY_S
        if start.held and who.valid_days is None and wanted.action != "publish":
            span_s = start.held.index.expires_s - start.held.index.created_s
        index = Index(
            schema=1, channel=channel, version=start.version + 1, previous=previous, keys=trust.version,
            created_s=created_s, expires_s=created_s + span_s, action=wanted.action, releases=wanted.releases,
        )  # fmt: skip
        data = index.sealed(who.key)
        made = opened(data, channel, (who.key.public,), "the new index")  # what clients would refuse is not published
        if storage.create(index_path(channel, index.version), data):
            _point(who, trust, made)
            return made
    raise InputError(f"{storage.url}: {_TRIES} times another publisher was faster. Try again.")


def _may_follow(start: Base, who: Publisher) -> None:
    """See whether whoever made the newest version left room for another: a thief of a key may have taken it."""
    where = f"{who.storage.url}: version {start.version} of {who.channel}"
    stolen = "If a stolen key made it: `edgetl channel keys --remove ID --stolen`, then publish with --anew."
    if start.version >= MAX_VERSION:
        raise InputError(f"{where}: none can follow it. {stolen}")
    if who.past - start.version > _MAX_PAST:
        raise InputError(f"{where}: is more than {_MAX_PAST} versions before {who.past}. Use another name or address. {stolen}")
    ahead_s = start.held.index.created_s - who.now_s if start.held else 0
    if ahead_s > _AHEAD_S:
        raise InputError(
            f"{where}: was made {ahead_s / _DAY_S:.1f} days from now by this computer's clock, and clients take what they saw "
            f"for the time. Set the clock. {stolen}"
        )


def _trust(who: Publisher) -> Trust:
    try:
        return trusted(who.storage, who.trust)
    except WrongStart as refused:
        if who.trust != keys.only(who.key.public):
            raise
        raise ChannelRefused(
            refused.code,
            f"{who.storage.url}: the key {who.key.public.id} is not the one that these channels began with. If it is listed by "
            "now, give --trust: the public key that they began with, or a key list you kept.",
        ) from refused


def _put_back(who: Publisher, start: Base) -> None:
    where = index_path(who.channel, start.version)
    if who.storage.create(where, start.data):
        who.storage.must_exclude(where, start.data)
        who.notes.append(
            f"{where} was gone and is back: {newest_path(who.channel)} held the same. No version is ever removed: see who "
            "else can write here."
        )


def _point(who: Publisher, trust: Trust, made: Held) -> None:
    """Let `newest.json` be the newest; a slower publisher that wrote an older one sees that by itself."""
    storage, channel = who.storage, who.channel
    newest: Held | None = made
    while newest is not None:
        storage.replace(newest_path(channel), newest.data)
        if storage.size_bytes(index_path(channel, newest.index.version + 1)) is None:
            return
        newest = base(storage, channel, trust, who.past).held
