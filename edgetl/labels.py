"""Which images are used when a part of them is asked for: of their labels, or of the images, class by class."""

from __future__ import annotations

import hashlib
import math
import random
from collections.abc import Sequence

from edgetl.recipe import Labels


def labelled_rows(
    names: Sequence[str], class_indices: Sequence[int], section: Labels, seed: int, *, several: bool = False
) -> list[int]:
    """Choose the images whose label may be used.

    Within a class images are ordered by sha256 of `<seed>:<name>`, so a smaller part is always a part of a larger one.

    Args:
        names: what identifies each training image.
        class_indices: its class.
        section: how many.
        seed: of the order.
        several: images have sets of labels; the part is then one of all images, whatever their labels.

    Returns:
        Row numbers in ascending order; at least one of each class.
    """
    members: dict[int, list[int]] = {}
    for row, label in enumerate(class_indices):
        members.setdefault(0 if several else int(label), []).append(row)
    found: list[int] = []
    for rows in members.values():
        rows.sort(key=lambda row: (hashlib.sha256(f"labels {seed}:{names[row]}".encode()).digest(), names[row]))
        count = section.per_class if section.per_class is not None else math.ceil(section.share * len(rows) - 1e-9)
        found += rows[: max(1, count)]
    return sorted(found)


def in_turn(labels: Sequence[int], count: int, seed: int) -> list[int]:
    """Choose images, taking the classes in turn.

    Args:
        labels: class of each image.
        count: how many to take; all when there are fewer.
        seed: of the choice within a class.

    Returns:
        Row numbers in ascending order.
    """
    order = list(range(len(labels)))
    random.Random(seed).shuffle(order)
    seen: dict[int, int] = {}
    ranked = []
    for row in order:
        seen[labels[row]] = seen.get(labels[row], 0) + 1
        ranked.append((seen[labels[row]], labels[row], row))
    return sorted(row for _, _, row in sorted(ranked)[:count])
