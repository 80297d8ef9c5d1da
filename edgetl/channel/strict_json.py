"""Read a JSON object that anyone may have written: bounded, no key twice, no NaN."""

from __future__ import annotations

from typing import Any

from edgetl.bundle import plain
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
        return plain.read(data)
    except ValueError as error:
        raise ChannelRefused("malformed", f"{where}: is no JSON that can be read ({str(error)[:80]}).") from error
