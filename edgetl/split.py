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


def multilabel_split(
    names: Sequence[str], label_sets: Sequence[Sequence[int]], fractions: Sequence[float], seed: int
) -> tuple[Split, ...]:
    """Give every image a split, in about the same proportions for each of its labels.

    The rarest label that is left is dealt first, each of its images to the split that lacks most of it; ties go to the split that
    lacks most images (Sechidis et al., On the Stratification of Multi-Label Data, ECML 2011, algorithm 1, in an order fixed by
    sha256 of `<seed>:<name>` instead of chance). Images without a label are dealt last.

    Args:
        names: what identifies each image.
        label_sets: its labels.
        fractions: shares of train, val and test; they make 1, zero means none.
        seed: of the order.

    Returns:
        One split for each image.
    """
    order = sorted(range(len(names)), key=lambda row: (hashlib.sha256(f"{seed}:{names[row]}".encode()).digest(), names[row]))
    members: dict[int, set[int]] = {}
    for row in order:
        for label in label_sets[row]:
            members.setdefault(label, set()).add(row)
    lacking = {label: [len(rows) * f for f in fractions] for label, rows in members.items()}
    room = [len(names) * f for f in fractions]
    open_ = [index for index, fraction in enumerate(fractions) if fraction > 0]
    place = {row: number for number, row in enumerate(order)}
    found: dict[int, int] = {}

    def deal(row: int, wanted: Sequence[float]) -> None:
        split = max(open_, key=lambda index: (wanted[index], room[index], -index))
        found[row] = split
        room[split] -= 1
        for label in label_sets[row]:
            lacking[label][split] -= 1
            members[label].discard(row)

    while any(members.values()):
        rarest = min((label for label, rows in members.items() if rows), key=lambda label: (len(members[label]), label))
        for row in sorted(members[rarest], key=place.__getitem__):
            deal(row, lacking[rarest])
    for row in order:
        if row not in found:
            deal(row, room)
    return tuple(SPLITS[found[row]] for row in range(len(names)))


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
