"""The reference client: look, decide, prove, install. Standard library only, but for signatures (cryptography).

    outcome = client.update(folder, Address(base="https://…/models"), "beta", keys.trusted(key), me, int(time.time()), proof)

The clock is given. State lies in one folder: `state.json`, replaced whole, says what is installed; bundles lie beside it under
their sha256. Whatever is refused, and whenever the process dies, what was installed stays. A damaged state is no error: the
client begins anew, from what the app was built with, and the outcome says so. A client needs nothing of an index but
the artifact's path: what else an app must know (size, labels, quantization) lies in the bundle, `contracts/<file name>.json`.

`proof` is the app's: it runs a bundle's golden photos through the app's own code and says what is wrong; empty = nothing. The
same in every language:

- Once a bundle is there whole, and before it is installed, one is added to its tries, in the state: {sha256, by, tries}, `by` =
  versions of app and system. The state is written, then the proof runs.
- Right: its entry is removed and the bundle installed, in one writing of the state.
- Wrong: tries = 3, the bundle is deleted, the outcome is `kept`, `refused`; what was installed stays.
- The process died during the proof, or the proof threw: the try counts; the bundle lies there still.
- When deciding, a release whose bundle has 3 tries by these very versions of app and system is passed over (`refused`), after
  all other rules: nothing of it is fetched again, and the release below it is looked at, as in a rollout without this client.
- Entries of bundles that the index no longer names, and of other versions of app or system, are dropped once an index is taken.

Once an index is taken, a bundle is withdrawn that a key brought which is no longer listed, unless the index names it: it is
deleted, and the app is left with what it was built with, until another release is offered.

Nothing of this is sent to anyone: a publisher learns of it from the app's own reports, if the app makes any.
"""

from __future__ import annotations

import dataclasses
import os
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from edgetl.channel import bundles, memory
from edgetl.channel.choice import Client, choose
from edgetl.channel.index import File, Release
from edgetl.channel.keys import Trust
from edgetl.channel.latest import Known, latest
from edgetl.channel.memory import Installed, State, bundle_file, intact
from edgetl.channel.transport import Address
from edgetl.errors import ChannelRefused, InputError

Proof = Callable[[Path, Installed], str]
"""A bundle's zip, and what would be installed → what is wrong with it on this client; empty = nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How an update went."""

    status: Literal["installed", "unchanged", "kept"]
    """`kept`: something was refused, or nothing is offered; what was installed stays."""
    code: str
    """Empty, `not-offered`, `withdrawn`, `refused` (by the proof), or of a `ChannelRefused`."""
    message: str
    installed: Installed | None
    index_version: int
    """Newest that was accepted; 0 = none ever."""


def update(
    folder: Path, address: Address, channel: str, trust: Trust, client: Client, now_s: int, proof: Proof | None = None
) -> Outcome:
    """Bring a folder up to date.

    Args:
        folder: of this client alone.
        address: where the channel is served.
        channel: its name.
        trust: what the app was built with.
        client: who asks.
        now_s: the clock.
        proof: tries a bundle before it is installed; None = what the index names is taken.

    Returns:
        What was done; a refusal is an outcome, no exception.

    Raises:
        InputError: the folder cannot be written.
    """
    with memory.alone(folder):
        notes, withdrawn = list[str](), False
        try:
            state = memory.read(folder)
            known = memory.known(state, channel, trust)
        except InputError:
            state, known = State(), Known(trust=trust)
            notes.append("what this client remembered was damaged: it began anew.")
            _tidy(folder, state)

        def outcome(status: Literal["installed", "unchanged", "kept"], code: str = "", message: str = "") -> Outcome:
            version = known.held.index.version if known.held else 0
            said = " ".join(filter(None, (*notes, message)))
            return Outcome(status=status, code=code, message=said, installed=state.installed, index_version=version)

        try:
            known = latest(address.look(), channel, known, now_s)
            assert known.held is not None
            by = f"{client.app} {client.system_version}"
            before, state = state.installed, memory.remembered(state, known, trust, by)
            memory.write(folder, state)
            if withdrawn := before is not None and state.installed is None:
                assert before is not None
                notes.append(f"release {before.release} is withdrawn: the key that brought it may no longer sign. It is deleted.")
                _tidy(folder, state)
            choice = choose(known.held.index, client, memory.refused(state))
            if choice.release is None or choice.file is None:
                reasons = ", ".join(f"release {number}: {reason}" for number, reason in choice.passed_over)
                return outcome(
                    "kept", "withdrawn" if withdrawn else "not-offered", f"nothing is offered to this client ({reasons})."
                )
            wanted = _installed(choice.release, choice.file, known.held.key_id)
            if state.installed and state.installed.is_still(wanted) and intact(folder, wanted):
                _tidy(folder, state)
                passed = ", ".join(f"release {number}" for number, reason in choice.passed_over if reason == "refused")
                return outcome("unchanged", message=f"passed over, as the proof refused it here: {passed}." if passed else "")
            if not intact(folder, wanted):
                _download(folder, address, choice.release)
        except ChannelRefused as refused:
            return outcome("kept", refused.code, str(refused))
        if proof is not None:
            memory.write(folder, state := memory.tried(state, wanted.sha256, by))
            if wrong := proof(bundle_file(folder, wanted), wanted):
                memory.write(folder, state := memory.tried(state, wanted.sha256, by, memory.MAX_TRIES))
                _tidy(folder, state)
                return outcome("kept", "refused", f"release {wanted.release} is not right here: {wrong[:500]}")
            state = memory.tried(state, wanted.sha256, by, 0)
        last = state.installed if state.installed and state.installed.sha256 != wanted.sha256 else state.previous
        state = dataclasses.replace(state, installed=wanted, previous=last)
        memory.write(folder, state)
        _tidy(folder, state)
        return outcome("installed")


def _installed(release: Release, file: File, key: str) -> Installed:
    size_bytes = release.size_bytes
    return Installed(
        release=release.number, version=release.version, sha256=release.sha256, size_bytes=size_bytes, file=file.path, key=key
    )


def _download(folder: Path, address: Address, release: Release) -> None:
    temporary = folder / f"{release.sha256}.{secrets.token_hex(8)}.partial"
    try:
        with temporary.open("xb") as sink:
            bundles.fetch(address, release, sink)
            sink.flush()
            os.fsync(sink.fileno())
        os.replace(temporary, folder / f"{release.sha256}.zip")
    except OSError as error:
        raise ChannelRefused("platform", f"{folder}: the bundle cannot be written ({error.strerror}).") from error
    finally:
        temporary.unlink(missing_ok=True)


def _tidy(folder: Path, state: State) -> None:
    kept = {f"{kept.sha256}.zip" for kept in (state.installed, state.previous) if kept}
    for path in folder.iterdir():
        if path.suffix in (".zip", ".partial") and path.name not in kept:
            path.unlink(missing_ok=True)
