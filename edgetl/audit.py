"""What is wrong or odd about a set of photos, before anything is learned from it. Pure: facts of each image in, findings out.

A finding is an error (training refuses), a warning or a note. Leakage, the same photo in two splits, is an error unless the
recipe allows it by name; where the recipe deals the splits itself it cannot arise, since copies stay together.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from edgetl.split import SPLITS
from edgetl.types import Split

Level = Literal["error", "warning", "note"]
SHOWN = 20
"""Photos named with a finding; its count tells of all."""
_FEW = 20
"""Training images of a class below which a warning is due: with fewer, validation and test hold a handful."""
_UNEVEN = 10
"""Times as many images in the largest class as in the smallest from which on a warning is due."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """One image as it was found."""

    name: str
    class_index: int
    """Of its class, or of its set of labels; -1 for an unlabelled one."""
    sha256: str
    reason: str | None = None
    """Why it cannot be used; None when it can. What follows is then known."""
    width: int = 0
    height: int = 0
    mode: str = ""
    turned: bool = False
    hash: bytes = b""
    """Of `edgetl.perceptual`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that was found."""

    level: Level
    name: str
    """Kind of finding; `data.allow` permits some by it."""
    message: str
    """One sentence."""
    count: int
    """Photos, pairs or classes that it holds for."""
    photos: tuple[str, ...] = ()
    """The first of them."""


def _found(level: Level, name: str, message: str, photos: Sequence[str]) -> list[Finding]:
    shown = tuple(photos[:SHOWN])
    return [Finding(level=level, name=name, message=message, count=len(photos), photos=shown)] if photos else []


def groups(pairs: Iterable[tuple[int, int]], count: int) -> list[int]:
    """Put rows that hang together by pairs into groups.

    Args:
        pairs: row numbers.
        count: of rows.

    Returns:
        For each row the smallest row of its group.
    """
    first = list(range(count))

    def root(row: int) -> int:
        while first[row] != row:
            first[row] = first[first[row]]
            row = first[row]
        return row

    for one, other in pairs:
        a, b = sorted((root(one), root(other)))
        first[b] = a
    return [root(row) for row in range(count)]


def audit(
    facts: Sequence[Facts],
    splits: dict[int, Split],
    alike: Sequence[tuple[int, int]],
    class_names: tuple[str, ...],
    input_px: int,
    *,
    label_sets: Sequence[Sequence[int]] | None = None,
    allow: Sequence[str] = (),
    skip_bad: bool = False,
) -> list[Finding]:
    """Look at a data set.

    Args:
        facts: of every image.
        splits: row → its split, of the images that can be used.
        alike: pairs of rows that look alike, of `edgetl.perceptual.alike`; identical files are among them.
        class_names: in index order.
        input_px: side of the network's input.
        label_sets: the classes of each set of labels; None = an image has one.
        allow: names of findings that are warnings instead of errors.
        skip_bad: images that cannot be used are left out, which is a warning.

    Returns:
        The findings, errors first.
    """
    bad = [f"{fact.name}: {fact.reason}" for fact in facts if fact.reason is not None]
    usable = [row for row in sorted(splits) if splits[row] != "unlabelled"]
    found = _found("warning" if skip_bad else "error", "undecodable", "cannot be used", bad)
    sets = [(index,) for index in range(len(class_names))] if label_sets is None else label_sets
    found += _copies(facts, splits, alike, [" + ".join(class_names[i] for i in own) or "no label" for own in sets], allow)
    found += _classes(facts, splits, class_names, sets, several=label_sets is not None)
    small = [facts[row].name for row in usable if min(facts[row].width, facts[row].height) < input_px]
    found += _found("note", "small", f"smaller than the network's input of {input_px} px; enlarged", small)
    long = [f.name for f in (facts[row] for row in usable) if max(f.width, f.height) > 3 * min(f.width, f.height)]
    found += _found("note", "long", "more than three times as long as wide; only the middle is seen", long)
    turned = [facts[row].name for row in usable if facts[row].turned]
    found += _found("note", "turned", "turned upright by EXIF; an app must do the same", turned)
    grey = [facts[row].name for row in usable if facts[row].mode in ("L", "1", "I", "I;16", "LA")]
    if len(grey) < len(usable):
        found += _found("note", "grey", "grey among coloured ones", grey)
    clear = [facts[row].name for row in usable if facts[row].mode in ("RGBA", "LA", "PA", "La", "RGBa")]
    found += _found("note", "alpha", "have an alpha channel; composited over white", clear)
    order = {"error": 0, "warning": 1, "note": 2}
    return sorted(found, key=lambda finding: order[finding.level])


def _copies(
    facts: Sequence[Facts],
    splits: dict[int, Split],
    alike: Sequence[tuple[int, int]],
    labels: Sequence[str],
    allow: Sequence[str],
) -> list[Finding]:
    """Photos that are there more than once: across splits, under two classes, or merely twice."""
    told: dict[str, list[str]] = {}
    for one, other in alike:
        if one not in splits or other not in splits or "unlabelled" in (splits[one], splits[other]):
            continue
        exact = facts[one].sha256 == facts[other].sha256
        first, second = facts[one], facts[other]
        if first.class_index != second.class_index:
            kind = "conflicting_labels" if exact else "alike_in_two_classes"
            names = (labels[first.class_index], labels[second.class_index])
            told.setdefault(kind, []).append(f"{second.name} ({names[1]}) = {first.name} ({names[0]})")
        elif splits[one] != splits[other]:
            kind = "duplicates_across_splits" if exact else "near_duplicates_across_splits"
            told.setdefault(kind, []).append(f"{second.name} ({splits[other]}) = {first.name} ({splits[one]})")
        else:
            told.setdefault("duplicates" if exact else "near_duplicates", []).append(f"{second.name} = {first.name}")
    words: dict[str, tuple[Level, str]] = {
        "duplicates_across_splits": ("error", "the same file in two splits: the test asks what was taught"),
        "near_duplicates_across_splits": ("error", "nearly the same picture in two splits: the test asks what was taught"),
        "conflicting_labels": ("error", "the same file under two classes"),
        "alike_in_two_classes": ("warning", "nearly the same picture under two classes"),
        "duplicates": ("note", "the same file twice in a split"),
        "near_duplicates": ("note", "nearly the same picture twice in a split"),
    }
    found = []
    for kind, (level, message) in words.items():
        found += _found("warning" if kind in allow else level, kind, message, told.get(kind, []))
    return found


def _classes(
    facts: Sequence[Facts],
    splits: dict[int, Split],
    class_names: tuple[str, ...],
    sets: Sequence[Sequence[int]],
    *,
    several: bool,
) -> list[Finding]:
    """Classes without an image in some split, small ones, and uneven sizes."""
    counts: Counter[tuple[int, Split]] = Counter(
        (index, split) for row, split in splits.items() if split != "unlabelled" for index in sets[facts[row].class_index]
    )
    sizes = [sum(counts[(index, split)] for split in SPLITS) for index in range(len(class_names))]
    lacking = [
        f"class {name}: no usable image in the {split} split; it has {sizes[index]} in all"
        for index, name in enumerate(class_names)
        for split in SPLITS
        if counts[(index, split)] == 0
    ]
    found = _found(
        "error", "empty_class", "a class without an image in some split cannot be learned, chosen by, or judged", lacking
    )
    few = [
        f"class {name}: {counts[(index, 'train')]} training images"
        for index, name in enumerate(class_names)
        if 0 < counts[(index, "train")] < _FEW
    ]
    found += _found("warning", "few_images", f"fewer than {_FEW} training images", few)
    if sizes and min(sizes) > 0 and max(sizes) >= _UNEVEN * min(sizes):
        most, least = class_names[sizes.index(max(sizes))], class_names[sizes.index(min(sizes))]
        message = f"classes of very different size{'' if several else '; class_weights: balanced evens them out'}"
        found += _found("warning", "uneven", message, [f"{most}: {max(sizes)}, {least}: {min(sizes)}"])
    training = sum(split == "train" for split in splits.values())
    always = [f"class {name}" for index, name in enumerate(class_names) if several and counts[(index, "train")] == training]
    return found + _found(
        "warning", "constant_label", "a label that every training image has: nothing is learned from it", always
    )
