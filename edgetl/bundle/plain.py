"""JSON of a bundle: written one way, and read so that nothing in it can mean two things."""

from __future__ import annotations

import hashlib
import json
import math
from pathlib import Path
from typing import Any

MAX_RECORD_BYTES = 64_000_000
"""Largest JSON file of a bundle; golden.json of a thousand classes and twenty artifacts takes about 2 million."""


def text(value: Any) -> str:
    """Write plain values; the same values give the same text."""
    return json.dumps(value, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def write(path: Path, value: Any) -> None:
    """Write plain values to a file; makes its folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text(value).encode())


def read(data: bytes) -> dict[str, Any]:
    """Read an object.

    Args:
        data: of a file that anyone may have made.

    Returns:
        Its values.

    Raises:
        ValueError: it is no JSON object in UTF-8, names a key twice, or holds a number that is none.
    """
    try:
        value = json.loads(data.decode("utf-8"), object_pairs_hook=_unique, parse_constant=_no_number, parse_float=_finite)
    except RecursionError as error:
        raise ValueError("is nested too deeply") from error
    if not isinstance(value, dict):
        raise ValueError("is no JSON object")
    return value


def digest(data: bytes) -> str:
    """Hexadecimal sha256."""
    return hashlib.sha256(data).hexdigest()


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            raise ValueError(f"names {name[:80]!r} twice")
        found[name] = value
    return found


def _no_number(name: str) -> float:
    raise ValueError(f"holds {name}, which is no number")


def _finite(digits: str) -> float:
    value = float(digits)
    if not math.isfinite(value):
        raise ValueError("holds a number that is too large")
    return value
