"""Deal images to training, validation and test: seeded, stratified, and stable when photos are added."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from edgetl.types import Split

SPLITS: tuple[Split, ...] = ("train", "val", "test")


def stratified_split(
    names: Sequence[str], class_indices: Sequence[int], fractions: Sequence[float], seed: int
) -> tuple[Split, ...]:
    """Give every image a split, in the same proportions within each class.

    Within a class images are ordered by sha256 of `<seed>:<name>`, so the result is the same on every system and adding
    a photo moves few others. Shares are rounded by largest remainder; where a class has an image for each split that is
    to get one, each gets at least one.

    Args:
        names: what identifies each image.
        class_indices: its class.
        fractions: shares of train, val and test; they make 1, zero means none.
        seed: of the order.

    Returns:
        One split for each image.
    """
    members: dict[int, list[int]] = {}
    for row, label in enumerate(class_indices):
        members.setdefault(label, []).append(row)
    found: list[Split] = ["train"] * len(names)
    for rows in members.values():
        rows.sort(key=lambda row: (hashlib.sha256(f"{seed}:{names[row]}".encode()).digest(), names[row]))
        first = 0
        for split, count in zip(SPLITS, _shares(len(rows), fractions), strict=True):
            for row in rows[first : first + count]:
                found[row] = split
            first += count
    return tuple(found)


def _shares(total: int, fractions: Sequence[float]) -> list[int]:
    """Divide `total` by largest remainder, then see that no wanted share is empty while another has two."""
    exact = [total * f for f in fractions]
    shares = [int(e) for e in exact]
    by_remainder = sorted(range(len(exact)), key=lambda i: (shares[i] - exact[i], i))
    for index in by_remainder[: total - sum(shares)]:
        shares[index] += 1
    for index, fraction in enumerate(fractions):
        richest = max(range(len(shares)), key=shares.__getitem__)
        if fraction > 0 and shares[index] == 0 and shares[richest] > 1:
            shares[index] += 1
            shares[richest] -= 1
    return shares
