"""Prepare: every image decoded once, by the one preprocessing, into an array on disk; splits settled; faults told all at once."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgetl import registry
from edgetl.errors import DataError
from edgetl.recipe import Recipe
from edgetl.split import SPLITS, stratified_split
from edgetl.stages._base import Emit, Job
from edgetl.types import Dataset, Preprocess, Sample, Split, flatten

if TYPE_CHECKING:
    import numpy as np

VERSION = 1
RESUMABLE = False
_SHOWN = 50


def decides(recipe: Recipe, target: str) -> dict[str, Any]:
    """See `StageModule.decides`. The images count by their content (the pipeline adds it), not by their path."""
    flat = {**flatten(recipe.data, "data"), **flatten(recipe.preprocess, "preprocess")}
    flat.pop("data.path")
    return flat


def packages(recipe: Recipe, target: str) -> tuple[str, ...]:
    """See `StageModule.packages`."""
    return ("pillow", "numpy")


def run(job: Job, emit: Emit) -> dict[str, Any]:
    """See `StageModule.run`. Fills `pixels.npy`, `labels.npy` (rows in the order train, val, test) and `index.json`."""
    import numpy as np

    spec, out = job.recipe.data, Path(job.out)
    dataset: Dataset = registry.load("datasets", spec.source).load(spec)
    px = job.recipe.preprocess.crop_px
    total = len(dataset.samples)
    scratch = np.lib.format.open_memmap(out / "decoded.npy", mode="w+", dtype=np.uint8, shape=(total, px, px, 3))
    digests, reasons = _decode(dataset.samples, job.recipe.preprocess, scratch, emit)
    strict = spec.on_bad_image == "error"
    kept = [row for row in range(total) if strict or reasons[row] is None]
    bad = [f"{dataset.samples[row].name}: {reason}." for row, reason in enumerate(reasons) if reason is not None]
    fractions = (spec.split.train, spec.split.val, spec.split.test)
    splits = _deal(dataset, kept, digests, fractions, spec.split.seed)
    faults = [*(bad if strict else []), *_empty(dataset, kept, splits)]
    if faults:
        more = [f"and {len(faults) - _SHOWN} more."] if len(faults) > _SHOWN else []
        hint = " To leave bad images out and list them, set data.on_bad_image: skip." if bad == faults else ""
        raise DataError(f"data: {len(faults)} fault(s).{hint}", [*faults[:_SHOWN], *more])
    order = sorted(kept, key=lambda row: (SPLITS.index(splits[row]), row))
    pixels = np.lib.format.open_memmap(out / "pixels.npy", mode="w+", dtype=np.uint8, shape=(len(order), px, px, 3))
    for place, row in enumerate(order):
        pixels[place] = scratch[row]
    pixels.flush()
    (out / "decoded.npy").unlink()
    np.save(out / "labels.npy", np.array([dataset.samples[row].class_index for row in order], np.int64))
    index = {
        "schema": 1,
        "class_names": dataset.class_names,
        "licence": dataset.licence,
        "images": [
            {
                "name": dataset.samples[row].name,
                "class_index": dataset.samples[row].class_index,
                "split": splits[row],
                "sha256": digests[row],
            }
            for row in order
        ],
        "skipped": bad,
        "warnings": _leaks(dataset, kept, digests, splits),
    }
    (out / "index.json").write_text(json.dumps(index, ensure_ascii=False), encoding="utf-8")
    counts = Counter(splits.values())
    return {
        "classes": list(dataset.class_names),
        "images": {name: counts[name] for name in SPLITS},
        "skipped": bad,
        "warnings": index["warnings"],
    }


def _decode(
    samples: tuple[Sample, ...], preprocess: Preprocess, scratch: np.ndarray, emit: Emit
) -> tuple[list[str], list[str | None]]:
    """Decode all images into `scratch`; return the sha256 of each file and why it cannot be used (None when it can)."""
    from concurrent.futures import ThreadPoolExecutor

    from edgetl.preprocess import ImageFault, to_pixels

    def one(row: int) -> tuple[str, str | None]:
        try:
            data = samples[row].read()
        except OSError as error:
            return "", f"cannot be read ({error.strerror})"
        digest = hashlib.sha256(data).hexdigest()
        try:
            scratch[row] = to_pixels(data, preprocess)
        except ImageFault as fault:
            return digest, str(fault)
        return digest, None

    digests: list[str] = []
    reasons: list[str | None] = []
    with ThreadPoolExecutor(2) as pool:
        for row, (digest, reason) in enumerate(pool.map(one, range(len(samples)))):
            digests.append(digest)
            reasons.append(reason)
            if row % 50 == 0:
                emit({"what": f"decoding {row}/{len(samples)}", "done": row, "of": len(samples)})
    return digests, reasons


def _deal(
    dataset: Dataset, kept: list[int], digests: list[str], fractions: tuple[float, float, float], seed: int
) -> dict[int, Split]:
    """Settle the split of every usable image. Copies of one file stay together, or the test would ask what was taught.

    Where the folders name the splits they are obeyed; without a `val` folder, validation images are drawn from `train`.
    """
    found: dict[int, Split] = {}
    fixed = {row: s for row in kept if (s := dataset.samples[row].split) is not None}
    free = [row for row in kept if row not in fixed]
    shares = fractions
    if fixed and "val" not in fixed.values():
        free = [row for row, split in fixed.items() if split == "train"]
        whole = fractions[0] + fractions[1]
        shares = (fractions[0] / whole, fractions[1] / whole, 0.0)
    found.update(fixed)
    first: dict[tuple[str, int], int] = {}
    leaders = [row for row in free if first.setdefault((digests[row], dataset.samples[row].class_index), row) == row]
    dealt = stratified_split(
        [dataset.samples[row].name for row in leaders],
        [dataset.samples[row].class_index for row in leaders],
        shares,
        seed,
    )
    of_leader = dict(zip(leaders, dealt, strict=True))
    for row in free:
        found[row] = of_leader[first[(digests[row], dataset.samples[row].class_index)]]
    return found


def _empty(dataset: Dataset, kept: list[int], splits: dict[int, Split]) -> list[str]:
    """Classes without an image in some split."""
    counts = Counter((dataset.samples[row].class_index, splits[row]) for row in kept)
    return [
        f"class {name}: no usable image in the {split} split; it has {sum(counts[(index, s)] for s in SPLITS)} in all."
        for index, name in enumerate(dataset.class_names)
        for split in SPLITS
        if counts[(index, split)] == 0
    ]


def _leaks(dataset: Dataset, kept: list[int], digests: list[str], splits: dict[int, Split]) -> list[str]:
    """Files with the same content that ended in different splits or under different classes."""
    seen: dict[str, int] = {}
    found = []
    for row in kept:
        other = seen.setdefault(digests[row], row)
        one, two = dataset.samples[other], dataset.samples[row]
        if one.class_index != two.class_index:
            found.append(f"{two.name} is the same file as {one.name}, under another class")
        elif splits[other] != splits[row]:
            found.append(f"{two.name} ({splits[row]}) is the same file as {one.name} ({splits[other]})")
    return found
