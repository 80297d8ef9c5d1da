"""Which release a client gets, by the index and what the client says of itself; the Kotlin and Swift clients decide alike."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass

from edgetl.channel.index import LETTER, NAME, VERSION, WHOLE, File, Index, Release
from edgetl.errors import InputError


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """What a client says of itself; nothing of it leaves the device."""

    app: str
    """Version of the app: one to four numbers."""
    system: str
    """`android`, `ios`, …"""
    system_version: str
    """One to four numbers."""
    device: str
    """Model as the system names it."""
    id: str
    """Drawn at random once and kept, so that a rollout meets the same clients each time."""
    formats: tuple[str, ...]
    """What it can run: `tflite`, `onnx`, `coreml`."""

    def __post_init__(self) -> None:
        """Refuse what no rule could be held against."""
        kinds = {"app": VERSION, "system": NAME, "system_version": VERSION, "id": f"{LETTER}{{1,200}}"}
        wrong = [name for name, pattern in kinds.items() if not re.fullmatch(pattern, getattr(self, name), re.ASCII)]
        if wrong:
            faults = [f"{name}: {getattr(self, name)!r} does not match {kinds[name]}" for name in wrong]
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
    """Numbers of a version, four of them: 2.10 is above 2.9, and 2 is 2.0."""
    found = tuple(map(int, version.split(".")))
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
