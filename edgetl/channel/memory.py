"""What a client remembers, in one folder of its own: `state.json`, replaced whole, and bundles under their sha256."""

from __future__ import annotations

import base64
import dataclasses
import fcntl
import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from edgetl.channel.index import MAX_BUNDLE_BYTES, opened
from edgetl.channel.keys import ListedKey, Trust
from edgetl.channel.latest import Known
from edgetl.channel.strict_json import MAX_BYTES
from edgetl.errors import ChannelRefused, InputError
from edgetl.schema import Bound, Pattern, check
from edgetl.types import to_json

MAX_TRIES = 3
"""Proofs that a bundle may begin and not end: a phone may stop an app for reasons of its own, but a model may also end it."""
_STATE_BYTES = 4 * MAX_BYTES


@dataclass(frozen=True, slots=True, kw_only=True)
class Installed:
    """A bundle that was taken."""

    release: Annotated[int, Bound(ge=1)]
    version: str
    sha256: Annotated[str, Pattern("[0-9a-f]{64}", "64 hexadecimal digits")]
    size_bytes: Annotated[int, Bound(ge=1, le=MAX_BUNDLE_BYTES)]
    file: str
    """Path of the artifact inside the bundle."""
    key: Annotated[str, Pattern("[0-9a-f]{16}", "16 hexadecimal digits")]
    """Id of the key that signed the index which brought it."""

    def is_still(self, wanted: Installed) -> bool:
        """Whether an index wants what is there, whoever signed it."""
        return dataclasses.replace(wanted, key=self.key) == self


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """A bundle that did not come out right here, or whose proof has begun and not ended."""

    sha256: Annotated[str, Pattern("[0-9a-f]{64}", "64 hexadecimal digits")]
    by: str
    """Versions of the app and the system that tried it; others may fare better."""
    tries: Annotated[int, Bound(ge=1)]
    """Proofs begun; `MAX_TRIES` = refused."""


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """What a client remembers."""

    schema: Literal[1] = 1
    trust_version: int = 0
    trust_sha256: str = ""
    trust_keys: tuple[ListedKey, ...] = ()
    trust_root: str = ""
    """Id of the one key that trust began from; empty = a list."""
    index: str = ""
    """The newest index seen, in base64."""
    installed: Installed | None = None
    previous: Installed | None = None
    """Kept until the next one is installed."""
    refused: tuple[Refused, ...] = ()


def bundle_file(folder: Path, installed: Installed) -> Path:
    """Where a bundle lies: a zip, for `edgetl.bundle.opening.opened` or any zip reader."""
    return folder / f"{installed.sha256}.zip"


def intact(folder: Path, installed: Installed) -> bool:
    """Whether a bundle is still what was installed, to the byte. One that is not is deleted: the next update fetches it again."""
    path = bundle_file(folder, installed)
    with suppress(OSError):
        with path.open("rb") as stream:
            if hashlib.file_digest(stream, "sha256").hexdigest() == installed.sha256:
                return True
        path.unlink()
    return False


def read(folder: Path) -> State:
    """What the folder remembers.

    Raises:
        InputError: `state.json` is damaged.
    """
    path, faults = folder / "state.json", list[str]()
    try:
        with path.open("rb") as stream:
            state = check(State, json.loads(stream.read(_STATE_BYTES)), lambda key: key or "state.json", faults)
    except FileNotFoundError:
        return State()
    except (OSError, ValueError, RecursionError) as error:
        state, faults = None, [str(error)[:200]]
    if state is None:
        raise InputError(f"{path}: is damaged. The next update begins anew.", faults)
    return state


def known(state: State, channel: str, trust: Trust) -> Known:
    """What was known last time.

    An app that was built with a newer list than the state holds begins from that; one that was built with another key too: it
    is the way out where the key was lost that signs lists.

    Raises:
        InputError: the index is damaged.
    """
    if state.trust_version >= trust.version and state.trust_keys and root(trust) in ("", state.trust_root):
        trust = Trust(version=state.trust_version, keys=state.trust_keys, sha256=state.trust_sha256)
    if not state.index:
        return Known(trust=trust)
    try:
        return Known(trust=trust, held=opened(base64.b64decode(state.index), channel, trust.publishers, "state.json"))
    except ChannelRefused as refused:
        if refused.code in ("other-channel", "key-unknown"):
            return Known(trust=trust)  # another channel now, or a key that is no longer listed
        raise
    except ValueError as error:
        raise InputError(f"state.json: index: is no base64 ({error}).") from error


def root(trust: Trust) -> str:
    """Id of the key that an app was built with; empty for a list."""
    return "" if trust.version else trust.keys[0].key.id


def remembered(state: State, known: Known, began: Trust, by: str) -> State:
    """The state, with what is known of the channel now.

    Args:
        state: before.
        known: now.
        began: what the app was built with.
        by: see `Refused`; what others refused is forgotten, as are bundles that the index no longer names.

    Returns:
        The new state. A bundle that a key brought which is no longer listed, and that the index does not name, is withdrawn.
    """
    assert known.held is not None
    trust, named = known.trust, {release.sha256 for release in known.held.index.releases}
    listed = {key.id for key in trust.publishers}

    def stands(one: Installed | None) -> Installed | None:
        return one if one and (one.key in listed or one.sha256 in named) else None

    return dataclasses.replace(
        state, trust_version=trust.version, trust_sha256=trust.sha256, trust_keys=trust.keys,
        trust_root=root(began) or state.trust_root, index=base64.b64encode(known.held.data).decode(),
        refused=tuple(row for row in state.refused if row.sha256 in named and row.by == by),
        installed=stands(state.installed), previous=stands(state.previous),
    )  # fmt: skip


def refused(state: State) -> frozenset[str]:
    """Bundles that are not tried again."""
    return frozenset(row.sha256 for row in state.refused if row.tries >= MAX_TRIES)


def tried(state: State, sha256: str, by: str, tries: int | None = None) -> State:
    """The state once a proof of a bundle has begun.

    Args:
        state: before.
        sha256: of the bundle.
        by: see `Refused`.
        tries: how many there were; None = one more, 0 = the bundle came out right, and all is forgotten.
    """
    if tries is None:
        tries = 1 + sum(row.tries for row in state.refused if (row.sha256, row.by) == (sha256, by))
    others = tuple(row for row in state.refused if row.sha256 != sha256)
    new = (Refused(sha256=sha256, by=by, tries=tries),) if tries else ()
    return dataclasses.replace(state, refused=(*others, *new))


def write(folder: Path, state: State) -> None:
    """Replace the state, whole.

    Raises:
        InputError: the folder cannot be written.
    """
    temporary = folder / "state.json.partial"
    try:
        with temporary.open("w", encoding="utf-8") as stream:
            json.dump(to_json(state), stream)
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(temporary, folder / "state.json")
    except OSError as error:
        raise _unwritable(folder, error) from error


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """One update at a time; the lock ends with the process.

    Raises:
        InputError: there can be no such folder.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        handle = os.open(folder, os.O_RDONLY)
    except OSError as error:
        raise _unwritable(folder, error) from error
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _unwritable(folder: Path, error: OSError) -> InputError:
    return InputError(f"{folder}: cannot be written ({error.strerror}). Give a folder of this client's own, on a disk with room.")
