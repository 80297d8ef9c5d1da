"""How far a sound app may be off, from what was measured of other sound ways: written once, and checked by whoever reads it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

LEAST_LEVELS = 2
"""Least tolerance of a pixel, in levels of 255: two roundings."""
LEAST_MEAN = 0.5
"""Least tolerance of a channel's mean, in levels."""
LEAST = {"float32": 0.002, "image": 0.01, "uint8": 2 / 256, "int8": 2 / 256}
"""Least tolerance of a probability, by the input: 16-bit arithmetic that phones use for float files; two steps of integers."""


def of_probabilities(dtype: str, measured: Iterable[float], *, integers: bool) -> float:
    """Say how far a probability may be off.

    Args:
        dtype: what the input takes.
        measured: how far other sound ways lie off.
        integers: whether the file computes in integers, whatever its input takes.
    """
    least = max(LEAST[dtype], LEAST["int8"] if integers else 0.0)
    return round(max(least, 2 * max(measured, default=0.0)), 7)


def of_pixels(measured: Iterable[Mapping[str, float]]) -> dict[str, float]:
    """Say how far pixels may be off, in levels: a sample, and a channel's mean; `measured`: both, of other sound ways."""
    ways = list(measured)
    return {
        "samples": max(LEAST_LEVELS, 2 * max((int(way["samples"]) for way in ways), default=0)),
        "mean": round(max(LEAST_MEAN, 2 * max((way["mean"] for way in ways), default=0.0)), 4),
    }


def contradiction(image: Mapping[str, Any], rows: Mapping[str, Mapping[str, Any]], dtypes: Mapping[str, str]) -> str | None:
    """Find a tolerance of a golden photo that does not follow from what was measured of it.

    Args:
        image: one of `images` of golden.json; anything may be in it.
        rows: `format/scheme` → what the manifest says of it.
        dtypes: `format/scheme` → what its input takes.

    Returns:
        The first, as the end of a sentence; None where there is none.

    Raises:
        KeyError, TypeError, ValueError, AttributeError: it is not what edgetl writes.
    """
    if image["pixels"]["tolerance"] != of_pixels(image["pixels"]["measured"].values()):
        return "allows pixels to be off by other than what was measured gives"
    if set(image["tolerance"]) != set(image["measured"]):
        return "tells tolerances of other artifacts than were measured"
    for name, ways in image["measured"].items():
        integers = rows[name]["int8_mac_share"] > 0
        if image["tolerance"][name] != of_probabilities(dtypes[name], ways.values(), integers=integers):
            return f"allows probabilities of {name} to be off by other than what was measured gives"
    return None
