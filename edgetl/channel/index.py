"""A channel's index: which releases there are, and for whom. One JSON object, signed, immutable once it is created."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from edgetl.channel import envelope
from edgetl.errors import ChannelRefused
from edgetl.schema import Bound, Pattern
from edgetl.signing import PublicKey, SecretKey
from edgetl.types import to_json

WHOLE = 10_000
"""Rollouts count in ten-thousandths, so that no client needs fractions."""
MAX_RELEASES = 16
MAX_BUNDLE_BYTES = 4_000_000_000
NAME = r"[a-z0-9][a-z0-9._-]{0,63}"
"""Of a channel: it becomes a folder."""
VERSION = r"[0-9]{1,9}(\.[0-9]{1,9}){0,3}"
"""Of an app or a system: one to four numbers."""
MAX_VERSION = 2**53
"""As far as every language counts whole numbers."""
_Count = Annotated[int, Bound(ge=1, le=MAX_VERSION)]
_Seconds = Annotated[int, Bound(ge=0, le=2**53)]
_Sha256 = Annotated[str, Pattern("[0-9a-f]{64}", "64 hexadecimal digits")]
LETTER = r"[^\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]"
"""No control character, neither of ASCII nor of Latin-1: a terminal may obey them."""
_Text = Annotated[str, Pattern(f"{LETTER}{{0,512}}", "one line of at most 512 characters")]
_Word = Annotated[str, Pattern(f"{LETTER}{{1,200}}", "one line of 1 to 200 characters")]
_Numbers = Annotated[str, Pattern(VERSION, "one to four numbers with dots between them")]
_Path = Annotated[str, Pattern(rf"(?!.*(?:^|/)\.{{0,2}}(?:/|$))(?:(?![\\:]){LETTER}){{1,300}}", "a path inside a bundle")]


@dataclass(frozen=True, slots=True, kw_only=True)
class System:
    """A system that is served, and from which version on."""

    name: Annotated[str, Pattern(NAME, "a name like android or ios")]
    version: _Numbers


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """An artifact of the bundle, for some devices or all."""

    path: _Path
    format: Annotated[str, Pattern(NAME, "a format's name")]
    size_bytes: Annotated[int, Bound(ge=0, le=MAX_BUNDLE_BYTES)]
    devices: tuple[_Word, ...] = ()
    """Models as the app names them, `Pixel*` = all that begin so; empty = all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """A bundle and who gets it."""

    number: _Count
    """Version of the index that brought it first; unique in its channel."""
    version: _Text
    title: _Text
    sha256: _Sha256
    size_bytes: Annotated[int, Bound(ge=1, le=MAX_BUNDLE_BYTES)]
    rollout: Annotated[int, Bound(ge=0, le=WHOLE)]
    """Ten-thousandths of all clients."""
    salt: _Word
    """Who is among them (`choice.place`)."""
    min_app: Annotated[str, Pattern(f"({VERSION})?", "empty, or one to four numbers with dots between them")] = ""
    systems: tuple[System, ...] = ()
    """Empty = all; otherwise no other system is served."""
    devices: tuple[_Word, ...] = ()
    files: tuple[File, ...]
    """A client takes the first that it can run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Index:
    """One version of a channel."""

    schema: Literal[1]
    channel: Annotated[str, Pattern(NAME, "a channel's name")]
    version: _Count
    previous: Annotated[str, Pattern("([0-9a-f]{64})?", "empty or 64 hexadecimal digits")]
    """sha256 of the signed text of the version before; empty in the first, and where nothing of it is carried on."""
    keys: _Count
    """Version of the key list that its publisher knew; a client must know it too."""
    created_s: _Seconds
    """Seconds since 1970, UTC."""
    expires_s: _Seconds
    action: Literal["publish", "rollout", "rollback", "renew"]
    """What made it, for people."""
    releases: tuple[Release, ...]
    """The newest first; a client takes the first that admits it."""

    def faults(self) -> Iterable[tuple[str, str]]:
        """What the fields do not say alone."""
        if not self.created_s < self.expires_s:
            yield "expires_s", "is not after created_s."
        if len(self.releases) > MAX_RELEASES:
            yield "releases", f"are more than {MAX_RELEASES}."
        numbers = [release.number for release in self.releases]
        if numbers != sorted(set(numbers), reverse=True) or any(number > self.version for number in numbers):
            yield "releases", "are not numbered downwards from the index' own version."

    def sealed(self, key: SecretKey) -> bytes:
        """The bytes of its file."""
        return envelope.seal("channel index", to_json(self), key)


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """An index with the bytes it came in."""

    index: Index
    data: bytes
    key_id: str
    """Of the key that signed it."""
    sha256: str
    """Of the signed text."""


def opened(data: bytes, channel: str, keys: Iterable[PublicKey], where: str) -> Held:
    """Read an index that one of `keys` signed for this channel.

    Raises:
        ChannelRefused: `malformed`, `key-unknown`, `bad-signature` or `other-channel`.
    """
    found = envelope.unseal("channel index", data, keys, where)
    index: Index = envelope.record_of(Index, found.payload, where)
    if index.channel != channel:
        raise ChannelRefused("other-channel", f"{where}: is the index of the channel {index.channel!r}, not of {channel!r}.")
    return Held(index=index, data=data, key_id=found.key_id, sha256=found.sha256)


def as_json(index: Index) -> dict[str, Any]:
    """For reports: the rollout as a ratio."""
    value: dict[str, Any] = to_json(index)
    return value | {"releases": [release_json(release) for release in index.releases]}


def release_json(release: Release) -> dict[str, Any]:
    """For reports: the rollout as a ratio."""
    value: dict[str, Any] = to_json(release)
    return value | {"rollout": release.rollout / WHOLE}
