"""A member of any family by its name: the one door to the layer tables."""

from __future__ import annotations

import math
from functools import lru_cache
from types import MappingProxyType

from edgetl import registry
from edgetl.errors import InputError, UnknownName
from edgetl.networks._base import Network

LARGEST_PX, SMALLEST_ALPHA, LARGEST_ALPHA = 4096, 0.05, 4.0
"""Bounds of what is drawn: far beyond what phones run, and far from numbers that only a slip of the pen makes."""


@lru_cache(maxsize=1)
def members() -> MappingProxyType[str, str]:
    """Name the family of every member.

    Returns:
        Name of each member of each family -> name of the plug-in that draws it.
    """
    found = {model: family for family in registry.names("networks") for model in registry.load("networks", family).MODELS}
    return MappingProxyType(found)


def draw(model: str, alpha: float | None = None, px: int | None = None) -> Network:
    """Draw a network by name; cached.

    Args:
        model: a key of `members()`.
        alpha: factor of its width; None: 1.0. Members that come in one width take no other.
        px: side of the square image in pixels; None: the member's usual one.

    Returns:
        Its layers.

    Raises:
        UnknownName: no family has such a member.
        InputError: a size that is not between the bounds above, that the network cannot take, or a width that it does not have.
    """
    known = members()
    if model not in known:
        raise UnknownName("network", model, known)
    module = registry.load("networks", known[model])
    width = 1.0 if alpha is None else float(alpha)
    side = module.MODELS[model] if px is None else px
    if type(side) is not int or not 1 <= side <= LARGEST_PX:
        raise InputError(f"network {model}: input of {side} px. Give a whole number from 1 to {LARGEST_PX}.")
    if not (math.isfinite(width) and SMALLEST_ALPHA <= width <= LARGEST_ALPHA):
        raise InputError(f"network {model}: alpha {width:g}. Give a number from {SMALLEST_ALPHA:g} to {LARGEST_ALPHA:g}.")
    if width != 1.0 and model not in module.WIDTHS:
        raise InputError(f"network {model}: alpha {width:g}. It comes in one width; leave alpha out.")
    widths = module.WIDTHS.get(model, ())
    if widths and width not in widths:
        raise InputError(f"network {model}: alpha {width:g}. It comes in {', '.join(f'{w:g}' for w in widths)}.")
    return _drawn(known[model], model, width, side)


@lru_cache(maxsize=256)
def _drawn(family: str, model: str, alpha: float, px: int) -> Network:
    drawing = registry.load("networks", family).draw(model, alpha, px)
    network: Network = drawing.network()
    return network
