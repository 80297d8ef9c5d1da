"""Read a JSON object that anyone may have written: bounded, no key twice, no NaN."""

from __future__ import annotations

import json
from typing import Any

from edgetl.errors import ChannelRefused

MAX_BYTES = 1_000_000
"""Most that a key list or an index may take; an index of 16 releases with 20 artifacts each takes 60 thousand."""


def parsed(data: bytes, where: str) -> dict[str, Any]:
    """Read a JSON object strictly: no key twice, no NaN, bounded.

    Raises:
        ChannelRefused: `malformed`.
    """
    try:
        if len(data) > MAX_BYTES:
            raise ValueError("too large")
        value = json.loads(data.decode("utf-8"), object_pairs_hook=_object, parse_constant=_constant)
    except (ValueError, RecursionError) as error:
        raise ChannelRefused("malformed", f"{where}: is no JSON that can be read ({str(error)[:80]}).") from error
    if not isinstance(value, dict):
        raise ChannelRefused("malformed", f"{where}: is no JSON object.")
    return value


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a key stands twice")
    return found


def _constant(name: str) -> Any:
    raise ValueError(f"{name} is no number of JSON")
