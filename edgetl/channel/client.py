"""The reference client: look, decide, install. Standard library only, but for the signatures (cryptography); give the clock yourself.

    outcome = client.update(folder, Address(base="https://…/models"), "beta", keys.trusted(key), me, int(time.time()))

State lies in one folder: `state.json`, replaced whole, says what is installed; bundles lie beside it under their sha256. Whatever
is refused, and whenever the process dies, what was installed stays.
"""

from __future__ import annotations

import base64
import fcntl
import hashlib
import json
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from edgetl.channel import envelope
from edgetl.channel.choice import Client, choose
from edgetl.channel.index import MAX_BUNDLE_BYTES, File, Release, opened
from edgetl.channel.keys import ListedKey, Trust
from edgetl.channel.latest import Known, latest
from edgetl.channel.publishing import bundle_path
from edgetl.channel.transport import Address
from edgetl.errors import ChannelRefused, InputError
from edgetl.schema import Bound, Pattern, check
from edgetl.types import to_json

_STATE_BYTES = 4 * envelope.MAX_BYTES


@dataclass(frozen=True, slots=True, kw_only=True)
class Installed:
    """A bundle that was taken."""

    release: Annotated[int, Bound(ge=1)]
    version: str
    sha256: Annotated[str, Pattern("[0-9a-f]{64}", "64 hexadecimal digits")]
    size_bytes: Annotated[int, Bound(ge=1, le=MAX_BUNDLE_BYTES)]
    file: str
    """Path of the artifact inside the bundle."""


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """What a client remembers."""

    schema: Literal[1] = 1
    trust_version: int = 0
    trust_sha256: str = ""
    trust_keys: tuple[ListedKey, ...] = ()
    index: str = ""
    """The newest index seen, in base64."""
    installed: Installed | None = None
    previous: Installed | None = None
    """Kept until the next one is installed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How an update went."""

    status: Literal["installed", "unchanged", "kept"]
    """`kept`: something was refused, or nothing is offered; what was installed stays."""
    code: str
    """Empty, `not-offered`, or of a `ChannelRefused`."""
    message: str
    installed: Installed | None
    index_version: int
    """Newest that was accepted; 0 = none ever."""


def update(folder: Path, address: Address, channel: str, trust: Trust, client: Client, now_s: int) -> Outcome:
    """Bring a folder up to date.

    Args:
        folder: of this client alone.
        address: where the channel is served.
        channel: its name.
        trust: what the app was built with.
        client: who asks.
        now_s: the clock.

    Returns:
        What was done; a refusal is an outcome, no exception.

    Raises:
        InputError: the folder's own state is damaged.
    """
    with _alone(folder):
        state = read_state(folder)
        known = _known(state, channel, trust)
        try:
            known = latest(address.read, channel, known, now_s)
            assert known.held is not None
            state = _remembered(state, known)
            _write(folder, state)
            choice = choose(known.held.index, client)
            if choice.release is None or choice.file is None:
                reasons = ", ".join(f"release {number}: {reason}" for number, reason in choice.passed_over)
                return _outcome("kept", "not-offered", f"nothing is offered to this client ({reasons}).", state, known)
            wanted = _installed(choice.release, choice.file)
            if state.installed == wanted and _whole(folder, wanted):
                return _outcome("unchanged", "", "", state, known)
            if not _whole(folder, wanted):
                _download(folder, address, choice.release)
        except ChannelRefused as refused:
            return _outcome("kept", refused.code, str(refused), state, known)
        before = state.installed if state.installed and state.installed.sha256 != wanted.sha256 else state.previous
        state = _with(state, installed=wanted, previous=before)
        _write(folder, state)
        _tidy(folder, state)
        return _outcome("installed", "", "", state, known)


def bundle_file(folder: Path, installed: Installed) -> Path:
    """Where a bundle lies: a zip, for `edgetl.bundle.opening.opened` or any zip reader."""
    return folder / f"{installed.sha256}.zip"


def read_state(folder: Path) -> State:
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
        raise InputError(f"{path}: is damaged. Remove the folder: the client begins anew.", faults)
    return state


def _known(state: State, channel: str, trust: Trust) -> Known:
    """What was known last time; an app that was built with a newer list than the state holds begins from that."""
    if state.trust_version >= trust.version and state.trust_keys:
        trust = Trust(version=state.trust_version, keys=state.trust_keys, sha256=state.trust_sha256)
    if not state.index:
        return Known(trust=trust)
    try:
        return Known(trust=trust, held=opened(base64.b64decode(state.index), channel, trust.publishers, "state.json"))
    except ChannelRefused:
        return Known(trust=trust)  # another channel now, or a key that is no longer listed


def _remembered(state: State, known: Known) -> State:
    assert known.held is not None
    trust = known.trust
    return _with(
        state, trust_version=trust.version, trust_sha256=trust.sha256, trust_keys=trust.keys,
        index=base64.b64encode(known.held.data).decode(),
    )  # fmt: skip


def _with(state: State, **changes: object) -> State:
    import dataclasses

    return dataclasses.replace(state, **changes)  # type: ignore[arg-type]


def _installed(release: Release, file: File) -> Installed:
    return Installed(
        release=release.number, version=release.version, sha256=release.sha256, size_bytes=release.size_bytes, file=file.path
    )


def _outcome(status: Literal["installed", "unchanged", "kept"], code: str, message: str, state: State, known: Known) -> Outcome:
    version = known.held.index.version if known.held else 0
    return Outcome(status=status, code=code, message=message, installed=state.installed, index_version=version)


def _whole(folder: Path, wanted: Installed) -> bool:
    path = bundle_file(folder, wanted)
    return path.is_file() and path.stat().st_size == wanted.size_bytes


def _download(folder: Path, address: Address, release: Release) -> None:
    temporary = folder / f"{release.sha256}.{secrets.token_hex(8)}.partial"
    try:
        with temporary.open("xb") as sink:
            address.fetch(bundle_path(release.sha256), sink, release.size_bytes)
            sink.flush()
            os.fsync(sink.fileno())
        with temporary.open("rb") as stream:
            if hashlib.file_digest(stream, "sha256").hexdigest() != release.sha256:
                path = bundle_path(release.sha256)
                raise ChannelRefused("bundle-differs", f"{address.base}: {path}: is not the bundle that the index names.")
        os.replace(temporary, folder / f"{release.sha256}.zip")
    finally:
        temporary.unlink(missing_ok=True)


def _tidy(folder: Path, state: State) -> None:
    kept = {f"{kept.sha256}.zip" for kept in (state.installed, state.previous) if kept}
    for path in folder.iterdir():
        if path.suffix in (".zip", ".partial") and path.name not in kept:
            path.unlink(missing_ok=True)


def _write(folder: Path, state: State) -> None:
    temporary = folder / "state.json.partial"
    with temporary.open("w", encoding="utf-8") as stream:
        json.dump(to_json(state), stream)
        stream.flush()
        os.fsync(stream.fileno())
    os.replace(temporary, folder / "state.json")


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """One update at a time; the lock ends with the process."""
    folder.mkdir(parents=True, exist_ok=True)
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)
