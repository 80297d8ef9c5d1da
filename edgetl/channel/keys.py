"""Who may sign: lists of keys, each signed by a key of the list before. A client starts from the one it was built with."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from edgetl import signing
from edgetl.channel import envelope
from edgetl.channel.strict_json import MAX_BYTES, parsed
from edgetl.errors import ChannelRefused, InputError
from edgetl.schema import Bound, Pattern
from edgetl.signing import PublicKey, SecretKey
from edgetl.types import to_json

MAX_LISTS = 100
"""Most lists that are followed at once, and most keys of one."""
Read = Callable[[str, int], bytes | None]
"""Path inside the storage and most bytes → what lies there; None = nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedKey:
    """A key that may sign indexes."""

    public: Annotated[str, Pattern("[A-Za-z0-9+/]{43}=", "32 bytes in base64")]
    rotates: bool
    """Whether it may sign the next list too; such a key is best kept away from where releases are made."""

    @property
    def key(self) -> PublicKey:
        """To check with."""
        return PublicKey(base64.b64decode(self.public))


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyList:
    """One version of the list."""

    schema: Literal[1]
    version: Annotated[int, Bound(ge=1, le=2**53)]
    previous: Annotated[str, Pattern("([0-9a-f]{64})?", "empty or 64 hexadecimal digits")]
    """sha256 of the signed text of the version before; empty in the first."""
    keys: tuple[ListedKey, ...]

    def faults(self) -> Iterable[tuple[str, str]]:
        """What the fields do not say alone."""
        if not any(listed.rotates for listed in self.keys):
            yield "keys", "hold none that may sign the next list."
        if len({listed.public for listed in self.keys}) < len(self.keys) or len(self.keys) > MAX_LISTS:
            yield "keys", f"hold one twice, or are more than {MAX_LISTS}."


@dataclass(frozen=True, slots=True, kw_only=True)
class Trust:
    """The keys that are trusted now."""

    version: int
    """Of the list; 0 = a key that was given, from before any list."""
    keys: tuple[ListedKey, ...]
    sha256: str = ""
    """Of the list's signed text."""

    @property
    def publishers(self) -> tuple[PublicKey, ...]:
        """Keys that may sign an index: all of them."""
        return tuple(listed.key for listed in self.keys)

    def next(self, data: bytes, where: str) -> Trust:
        """Trust the list after this one.

        Raises:
            ChannelRefused: `malformed`, `key-unknown`, `bad-signature`, or `other-history`: it does not follow this one.
        """
        rotators = tuple(listed.key for listed in self.keys if listed.rotates)
        found = envelope.unseal("channel keys", data, rotators, where)
        new: KeyList = envelope.record_of(KeyList, found.payload, where)
        if new.version != self.version + 1 or (self.version and new.previous != self.sha256):
            raise ChannelRefused("other-history", f"{where}: is no list that follows version {self.version}.")
        return Trust(version=new.version, keys=new.keys, sha256=found.sha256)


def path(version: int) -> str:
    """Of a list in the storage."""
    return f"keys/{version}.json"


def only(key: PublicKey) -> Trust:
    """Trust in one key from before any list."""
    return Trust(version=0, keys=(listed(key, rotates=True),))


def listed(key: PublicKey, *, rotates: bool) -> ListedKey:
    """A key as lists hold it."""
    return ListedKey(public=base64.b64encode(key.raw).decode(), rotates=rotates)


def sealed(trust: Trust, keys: tuple[ListedKey, ...], key: SecretKey) -> bytes:
    """The file of the list that follows `trust`."""
    new = KeyList(schema=1, version=trust.version + 1, previous=trust.sha256, keys=keys)
    if faults := list(new.faults()):
        raise InputError("the new key list does not hold.", [f"{where}: {what}" for where, what in faults])
    return envelope.seal("channel keys", to_json(new), key)


def follow(trust: Trust, read: Read) -> Trust:
    """Follow the lists from the one that is trusted to the newest.

    Raises:
        ChannelRefused: as `Trust.next`; `malformed` for more than `MAX_LISTS`.
    """
    for _ in range(MAX_LISTS):
        where = path(trust.version + 1)
        data = read(where, MAX_BYTES)
        if data is None:
            return trust
        trust = trust.next(data, where)
    raise ChannelRefused("malformed", f"keys: more than {MAX_LISTS} lists follow version {trust.version - MAX_LISTS}.")


def trusted(file: Path) -> Trust:
    """What an app is built to trust: a public key in PEM, or a list `keys/N.json` that was copied from where it is safe.

    Raises:
        InputError: it is neither.
    """
    if file.suffix != ".json":
        return only(signing.public_key(file))
    try:
        data = file.read_bytes()[: MAX_BYTES + 1]
    except OSError as error:
        raise InputError(f"{file}: cannot be read ({error.strerror}).") from error
    signed = str(parsed(data, str(file)).get("signed")).encode(errors="replace")
    found: KeyList = envelope.record_of(KeyList, parsed(signed, str(file)), str(file))
    return Trust(version=found.version, keys=found.keys, sha256=hashlib.sha256(signed).hexdigest())
