"""The devices on the desk: `connections.yaml` says how each is reached. It belongs to a desk, not to a recipe.

Input: the file beside the recipe, else the one in the current folder: device name → `{via: connection, …its settings…}`.
Output: the connection's module and its checked settings, or every fault of the file at once. Paths are relative to the file.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from edgetl import registry
from edgetl.errors import InputError, UnknownName, did_you_mean
from edgetl.schema import check
from edgetl.yamlfile import read_yaml

FILE = "connections.yaml"
_NAME = re.compile(r"[a-z0-9][a-z0-9_.-]{0,63}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """How a device is reached."""

    device: str
    via: str
    """Name of the connection."""
    settings: Any
    """Of the connection's own `Settings`."""

    @property
    def connection(self) -> ModuleType:
        """The module; see `edgetl.connections._base.ConnectionModule`."""
        return registry.load("connections", self.via)


def find(beside: Path | None = None) -> Path | None:
    """Find the file.

    Args:
        beside: the recipe's file or folder; None where there is no recipe.

    Returns:
        Its path, or None when there is none: then only connections that need no settings can be used.
    """
    folders = [] if beside is None else [beside if beside.is_dir() else beside.parent]
    return next((path for folder in (*folders, Path()) if (path := folder / FILE).is_file()), None)


def read(path: Path) -> dict[str, Way]:
    """Read the file and check all of it.

    Args:
        path: the file.

    Returns:
        Device name → way, in the order of the file.

    Raises:
        InputError: it cannot be read, or does not hold; with every fault found.
    """
    file = read_yaml(path)
    if not isinstance(file.value, dict):
        raise InputError(f"{file.where('')}: must be a mapping: device: {{via: connection, …}}.")
    faults: list[str] = []
    known, found = registry.names("connections"), {}
    for name, entry in file.value.items():
        place = file.where(name)
        if not _NAME.fullmatch(name):
            faults.append(f"{place}: a device's name is of lower-case letters, digits, '_', '-' and '.'.")
        elif not isinstance(entry, dict) or "via" not in entry:
            faults.append(f"{place}: must be a mapping with the key 'via'. Known connections: {', '.join(known)}.")
        elif entry["via"] not in known:
            via = str(entry["via"])[:80]
            faults.append(f"{file.where(f'{name}.via')}: no connection named {via!r}. {did_you_mean(via, known)}")
        else:
            kind = registry.load("connections", entry["via"]).Settings
            given = {key: value for key, value in entry.items() if key != "via"}
            for key in getattr(kind, "PATHS", ()):
                if isinstance(given.get(key), str) and re.match(r"[^-~/\s]", given[key]):
                    given[key] = str(path.absolute().parent / given[key])
            settings = check(kind, given, file.where, faults, name)
            found[name] = Way(device=name, via=entry["via"], settings=settings)
    if faults:
        raise InputError(f"{path}: {len(faults)} fault(s).", faults)
    return found


def settings_of(device: str, via: str | None = None, beside: Path | None = None) -> Way:
    """Say how a device is reached.

    Args:
        device: its name.
        via: connection to use; None: the one that the file names. Another than the file's is used with its defaults.
        beside: see `find`.

    Returns:
        The way.

    Raises:
        UnknownName: there is no such connection.
        InputError: the file does not hold; or nothing says how the device is reached.
    """
    path = find(beside)
    ways = read(path) if path is not None else {}
    known = registry.names("connections")
    if via is not None and via not in known:
        raise UnknownName("connection", via, known, "--via")
    if device in ways and via in (None, ways[device].via):
        return ways[device]
    if via is None:
        raise InputError(
            f"{path or FILE}: no way to the device '{device}'. "
            f"Write one there, for example: {device}: {{via: ssh, host: user@address}}. Known connections: {', '.join(known)}."
        )
    return Way(device=device, via=via, settings=_defaults(device, via, path))


def way(name: str, beside: Path | None = None) -> Way:
    """Find what a name stands for: a device of the file, or a connection that needs no settings.

    Args:
        name: as given on the command line.
        beside: see `find`.

    Returns:
        The way.

    Raises:
        UnknownName: neither.
        InputError: the file does not hold, or the connection needs settings.
    """
    path = find(beside)
    ways = read(path) if path is not None else {}
    if name in ways:
        return ways[name]
    known = registry.names("connections")
    if name not in known:
        raise UnknownName("device or connection", name, (*ways, *known))
    return Way(device=name, via=name, settings=_defaults(name, name, path))


def _defaults(device: str, via: str, path: Path | None) -> Any:
    faults: list[str] = []
    settings = check(registry.load("connections", via).Settings, {}, lambda key: key or via, faults)
    if faults:
        raise InputError(f"{via} must be told more. Write into {path or FILE}: {device}: {{via: {via}, …}}.", faults)
    return settings
