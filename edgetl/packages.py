"""Versions of installed packages, without importing them."""

from __future__ import annotations

import functools
import os
import re
import sys


@functools.cache
def _installed() -> dict[str, str]:
    """Normalised name → version, from the names of the metadata folders on the path (PEP 376, PEP 503).

    Why not importlib.metadata: importing it costs as much as bare Python's own start, and `edgetl plan` asks for a dozen.
    """
    found: dict[str, str] = {}
    for folder in sys.path:
        try:
            entries = os.listdir(folder or ".")
        except OSError:
            continue
        for entry in entries:
            match = re.fullmatch(r"(.+?)-([^-]+)\.dist-info", entry)
            if match:
                found.setdefault(_normal(match[1]), match[2])
    return found


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def version(name: str) -> str | None:
    """Version of a distribution.

    Args:
        name: its name, in any spelling.

    Returns:
        The version, or None when it is not installed.
    """
    return _installed().get(_normal(name))
