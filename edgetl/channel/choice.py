"""Which release a client gets, by the index and what the client says of itself; the Kotlin and Swift clients decide alike."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass

from edgetl.channel.index import LETTER, NAME, WHOLE, File, Index, Release
from edgetl.errors import InputError

_LEADING = r"\A[0-9]{1,9}(?:\.[0-9]{1,9}){0,3}(?![0-9])"
"""Of a version as apps and systems name it; a number that is too long ends it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """What a client says of itself; nothing of it leaves the device."""

    app: str
    """Version of the app as it is named: the one to four numbers that it begins with count, of `2.1-beta` 2.1."""
    system: str
    """`android`, `ios`, …"""
    system_version: str
    """The same."""
    device: str
    """Model as the system names it."""
    id: str
    """Drawn at random once and kept, so that a rollout meets the same clients each time."""
    formats: tuple[str, ...]
    """What it can run: `tflite`, `onnx`, `coreml`."""

    def __post_init__(self) -> None:
        """Refuse what no rule could be held against."""
        version, line = f"(?={_LEADING}){LETTER}{{1,200}}", f"{LETTER}{{1,200}}"
        kinds = {"app": version, "system": NAME, "system_version": version, "id": line}
        wrong = [name for name, pattern in kinds.items() if not re.fullmatch(pattern, getattr(self, name), re.ASCII)]
        if wrong:
            rules = {version: "must begin with one to four numbers with dots between them", NAME: f"must match {NAME}"}
            faults = [f"{name}: {getattr(self, name)!r} {rules.get(kinds[name], 'must be one line')}" for name in wrong]
            raise InputError("this client does not say what it is.", faults)


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """What a client gets."""

    release: Release | None
    """None = nothing of this index is for it; it keeps what it has."""
    file: File | None
    passed_over: tuple[tuple[int, str], ...]
    """Numbers of newer releases, and why not: `app`, `system`, `device`, `rollout`, `format` or `refused`."""


def place(salt: str, client_id: str) -> int:
    """Where a client stands in a rollout, 0 to 2^32 - 1.

    That is the first four bytes, big-endian, of the sha256 of `salt`, a line end and `client_id` in UTF-8.
    It is admitted where `place x 10000 < rollout x 2^32`: a larger rollout only adds clients.
    """
    return int.from_bytes(hashlib.sha256(f"{salt}\n{client_id}".encode()).digest()[:4], "big")


def choose(index: Index, client: Client, refused: frozenset[str] = frozenset()) -> Choice:
    """Take the first release that admits the client and holds a file that it can run.

    Args:
        index: the newest.
        client: who asks.
        refused: sha256 of bundles that did not come out right on this very client.
    """
    passed: list[tuple[int, str]] = []
    for release in index.releases:
        reason = _refuses(release, client)
        fitting = (f for f in release.files if f.format in client.formats and _names(f.devices, client.device))
        file = next(fitting, None) if reason is None else None
        if reason is None and file is not None and release.sha256 not in refused:
            return Choice(release=release, file=file, passed_over=tuple(passed))
        passed.append((release.number, reason or ("format" if file is None else "refused")))
    return Choice(release=None, file=None, passed_over=tuple(passed))


def numbers(version: str) -> tuple[int, ...]:
    """Numbers that a version begins with, four of them: 2.10 is above 2.9, 2 is 2.0, and 2.0-debug is too."""
    found = tuple(map(int, re.findall(_LEADING, version)[0].split(".")))
    return found + (0,) * (4 - len(found))


def _refuses(release: Release, client: Client) -> str | None:
    if release.min_app and numbers(client.app) < numbers(release.min_app):
        return "app"
    if release.systems:
        least = [system.version for system in release.systems if system.name == client.system]
        if not least or numbers(client.system_version) < numbers(least[0]):
            return "system"
    if not _names(release.devices, client.device):
        return "device"
    return None if place(release.salt, client.id) * WHOLE < release.rollout << 32 else "rollout"


def _names(devices: tuple[str, ...], device: str) -> bool:
    return not devices or any(device.startswith(d[:-1]) if d.endswith("*") else device == d for d in devices)
