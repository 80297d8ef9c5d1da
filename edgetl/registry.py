"""Plug-ins by file name: the folder is the registry.

`edgetl/<kind>/<name>.py` *is* the plug-in `name`; files with a leading underscore are machinery. Names are read from the
folder without importing anything; `load` imports one module.
"""

from __future__ import annotations

import importlib
import os
from types import ModuleType

from edgetl.errors import UnknownName

KINDS: dict[str, str] = {
    "apps": "platform of apps",
    "backbones": "backbone",
    "connections": "connection",
    "converters": "converter",
    "datasets": "source of images",
    "delegates": "delegate",
    "graphs": "reader of graphs",
    "logs": "reader of logs",
    "methods": "way of transfer",
    "mistakes": "mistake",
    "networks": "table of layers",
    "runtimes": "runtime",
    "schemes": "scheme",
    "workflows": "workflow",
}
"""Folder of each kind of plug-in, and its name in the singular."""


def names(kind: str) -> tuple[str, ...]:
    """List the plug-ins of one kind.

    Args:
        kind: a key of `KINDS`.

    Returns:
        Names in alphabetical order.

    Raises:
        UnknownName: there is no such kind.
    """
    if kind not in KINDS:
        raise UnknownName("kind of plug-in", kind, KINDS)
    entries = os.listdir(os.path.join(os.path.dirname(__file__), kind))
    return tuple(sorted(e[:-3] for e in entries if e.endswith(".py") and not e.startswith("_")))


def load(kind: str, name: str) -> ModuleType:
    """Import one plug-in.

    Args:
        kind: a key of `KINDS`.
        name: one of `names(kind)`.

    Returns:
        The module, which follows the Protocol in `edgetl/<kind>/_base.py`.

    Raises:
        UnknownName: there is no such kind or no such plug-in.
    """
    known = names(kind)
    if name not in known:
        raise UnknownName(KINDS[kind], name, known)
    return importlib.import_module(f"edgetl.{kind}.{name}")
