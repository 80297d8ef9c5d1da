"""Files kept on a device by their sha256: put, find, remove; and what runs there. Sent to the device's Python as text.

It needs Python 3.9 and its standard library. Called as `python3 -I -c <this> <word> <argument> …`; it prints one line of JSON,
`{"error": …}` where something failed.

    probe                                 → {"python", "system", "machine", "free_bytes", "runtimes": {name: version | null}}
    find   folder name sha256             → {"path": absolute path | null}: the content is hashed, a spoiled copy removed
    put    folder name sha256 size most   → {"path"}: reads size bytes of standard input; older files make room, those used
                                            longest ago first, so that all hold at most `most` bytes
    unpack folder name sha256 as          → {"path"}: unpacks a tar archive kept there into a folder beside it
    remove folder name                    → {}

A name is a sha256 and an ending; nothing outside `folder` is touched.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import re
import shutil
import sys
import tarfile
from typing import Any

PACKAGES = {"litert": "ai-edge-litert", "onnxruntime": "onnxruntime", "coreml": "coremltools"}
NAME = re.compile(r"[0-9a-f]{64}(\.[a-z]{1,12}){0,2}")
PARTIAL = re.compile(NAME.pattern + r"\.[0-9]+\.partial")
RECENT_S = 3600.0
"""A file used this recently may be in use by another run, so it is never removed to make room."""


def find(folder: str, name: str, sha256: str) -> dict[str, Any]:
    """Look for a file and hash it."""
    path = _path(folder, name)
    if not os.path.isfile(path):
        return {"path": None}
    with open(path, "rb") as file:
        digest = hashlib.sha256()
        while piece := file.read(2**20):
            digest.update(piece)
    if digest.hexdigest() != sha256:
        os.unlink(path)
        return {"path": None}
    os.utime(path)
    return {"path": path}


def put(folder: str, name: str, sha256: str, size: str, most: str) -> dict[str, Any]:
    """Receive a file; it appears under its name only when whole."""
    path, count = _path(folder, name), int(size)
    os.makedirs(folder, mode=0o700, exist_ok=True)
    _make_room(folder, int(most) - count)
    free = shutil.disk_usage(folder).free
    if free < count + 2**24:
        raise OSError(f"{folder}: {free} bytes are free there; {count} are needed, and 16 MiB to spare")
    partial = f"{path}.{os.getpid()}.partial"
    digest, left = hashlib.sha256(), count
    try:
        with open(partial, "wb") as file:
            while left and (piece := sys.stdin.buffer.read(min(left, 2**20))):
                file.write(piece)
                digest.update(piece)
                left -= len(piece)
        if left or digest.hexdigest() != sha256:
            raise OSError(f"{name}: what arrived is not what was sent ({count - left} of {count} bytes)")
        os.replace(partial, path)
    finally:
        if os.path.exists(partial):
            os.unlink(partial)
    return {"path": path}


def unpack(folder: str, name: str, sha256: str, into: str) -> dict[str, Any]:
    """Unpack an archive of files and folders; anything else in it, or a path out of it, is refused."""
    path, goal = _path(folder, name), _path(folder, into)
    if find(folder, name, sha256)["path"] is None:
        raise OSError(f"{name}: not there")
    partial = f"{goal}.{os.getpid()}.partial"
    shutil.rmtree(goal, ignore_errors=True)
    try:
        with tarfile.open(path, "r:") as archive:
            for member in archive:
                parts = member.name.split("/")
                if not (member.isreg() or member.isdir()) or not all(part not in ("", ".", "..") for part in parts):
                    raise OSError(f"{name}: {member.name!r} has no place in a package")
                there = os.path.join(partial, *parts)
                os.makedirs(there if member.isdir() else os.path.dirname(there), exist_ok=True)
                if member.isreg():
                    with open(there, "xb") as file:
                        shutil.copyfileobj(archive.extractfile(member), file)  # type: ignore[arg-type]
        os.replace(partial, goal)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return {"path": goal}


def remove(folder: str, name: str) -> dict[str, Any]:
    """Remove a file or a folder that was put or unpacked."""
    path = _path(folder, name)
    if os.path.isdir(path):
        shutil.rmtree(path)
    elif os.path.exists(path):
        os.unlink(path)
    return {}


def probe() -> dict[str, Any]:
    """Say what is there, without importing any runtime."""
    from importlib import metadata

    runtimes: dict[str, Any] = {}
    for name, package in PACKAGES.items():
        try:
            runtimes[name] = metadata.version(package)
        except metadata.PackageNotFoundError:
            runtimes[name] = None
    try:
        metadata.version("numpy")
    except metadata.PackageNotFoundError:
        runtimes = dict.fromkeys(runtimes)
    free = shutil.disk_usage(os.path.expanduser("~")).free
    system = {"system": platform.system(), "machine": platform.machine()}
    return {"python": platform.python_version(), **system, "free_bytes": free, "runtimes": runtimes}


def _path(folder: str, name: str) -> str:
    if not NAME.fullmatch(name):
        raise ValueError(f"{name!r} is no name of a kept file")
    return os.path.abspath(os.path.join(folder, name))


def _make_room(folder: str, most: int) -> None:
    import time

    kept = [entry for entry in os.scandir(folder) if NAME.fullmatch(entry.name) or PARTIAL.fullmatch(entry.name)]
    aged = sorted(((entry.stat().st_mtime, _size(entry), entry.path) for entry in kept), reverse=True)
    total = 0
    for used, size, path in aged:
        total += size
        if total > most and time.time() - used > RECENT_S:
            shutil.rmtree(path) if os.path.isdir(path) else os.unlink(path)


def _size(entry: Any) -> int:
    if not entry.is_dir():
        return int(entry.stat().st_size)
    return sum(os.path.getsize(os.path.join(at, file)) for at, _, files in os.walk(entry.path) for file in files)


WORDS: dict[str, Any] = {"probe": probe, "find": find, "put": put, "unpack": unpack, "remove": remove}

if __name__ == "__main__":
    try:
        print(json.dumps(WORDS[sys.argv[1]](*sys.argv[2:])))
    except Exception as error:  # noqa: BLE001 - whatever it is, the caller must hear of it
        print(json.dumps({"error": f"{type(error).__name__}: {error}"}))
        raise SystemExit(1) from error
