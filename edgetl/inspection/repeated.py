"""Constants that a file stores more than once."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

LEAST_BYTES = 256
"""Smaller constants are no waste that is worth a word."""


def groups(constants: Iterable[tuple[str, bytes]]) -> tuple[tuple[tuple[str, ...], ...], int]:
    """Group constants by their content.

    Args:
        constants: name and bytes of each constant that the file stores on its own.

    Returns:
        Names of those that are there several times, group by group, largest first; bytes that storing each once would save.
    """
    found: dict[tuple[bytes, int], list[str]] = {}
    for name, data in constants:
        if len(data) >= LEAST_BYTES:
            found.setdefault((hashlib.sha256(data).digest(), len(data)), []).append(name)
    several = sorted(((size, names) for (_, size), names in found.items() if len(names) > 1), key=lambda g: (-g[0], g[1]))
    return tuple(tuple(names) for _, names in several), sum(size * (len(names) - 1) for size, names in several)
