"""Prepare: every image decoded once, by the one preprocessing, into an array on disk; splits settled; faults told all at once."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgetl import registry
from edgetl.errors import DataError
from edgetl.recipe import Recipe, Source
from edgetl.stages._base import Emit, Job
from edgetl.types import flatten, to_json

if TYPE_CHECKING:
    import numpy as np

    from edgetl.audit import Facts, Finding
    from edgetl.rowfile import RowWriter
    from edgetl.types import Dataset, Sample, Split

VERSION = 3
RESUMABLE = False
_SHOWN = 50


def decides(recipe: Recipe, target: str) -> dict[str, Any]:
    """See `StageModule.decides`. The images count by their content (the pipeline adds it), not by their path."""
    flat = {**flatten(recipe.data, "data"), **flatten(recipe.preprocess, "preprocess")}
    for name in ("test", "unlabelled"):
        if getattr(recipe, name) is not None:
            flat |= flatten(getattr(recipe, name), name)
    return {key: value for key, value in flat.items() if not key.endswith(".path")}


def packages(recipe: Recipe, target: str) -> tuple[str, ...]:
    """See `StageModule.packages`."""
    return ("pillow", "numpy")


def run(job: Job, emit: Emit) -> dict[str, Any]:
    """See `StageModule.run`. Fills `pixels.npy`, `labels.npy` and `index.json`."""
    import numpy as np

    from edgetl.rowfile import RowWriter
    from edgetl.split import SPLITS

    recipe, out = job.recipe, Path(job.out)
    dataset = gather(recipe)
    px = recipe.preprocess.crop_px
    pixels = RowWriter(out / "pixels.npy", (len(dataset.samples), px, px, 3), "uint8")
    facts, splits, findings = examine(recipe, dataset, pixels, emit)
    pixels.close()
    refuse(findings, skip_bad=recipe.data.on_bad_image == "skip")
    places: tuple[Split, ...] = (*SPLITS, "unlabelled")
    order = sorted(splits, key=lambda row: (places.index(splits[row]), row))
    np.save(out / "labels.npy", np.array([facts[row].class_index for row in order], np.int64))
    warnings = [f"{f.message}: {photo}" for f in findings if f.level == "warning" for photo in f.photos]
    index = {
        "schema": 1,
        "class_names": dataset.class_names,
        "label_sets": dataset.label_sets,
        "licence": dataset.licence,
        "images": [
            {
                "name": facts[row].name,
                "class_index": facts[row].class_index,
                "split": splits[row],
                "sha256": facts[row].sha256,
                "row": row,
            }
            for row in order
        ],
        "skipped": [f"{fact.name}: {fact.reason}." for fact in facts if fact.reason is not None],
        "warnings": warnings,
    }
    (out / "index.json").write_text(json.dumps(index, ensure_ascii=False), encoding="utf-8")
    counts = Counter(splits.values())
    return {
        "classes": list(dataset.class_names),
        "images": {name: counts[name] for name in places if name in SPLITS or counts[name]},
        "skipped": index["skipped"],
        "warnings": warnings,
        "audit": to_json(findings),
    }


def gather(recipe: Recipe) -> Dataset:
    """List all images of a recipe: its data, a test set from elsewhere, and those without labels.

    Args:
        recipe: the recipe.

    Returns:
        Their samples, with the split where it is settled; unlabelled ones have class -1.

    Raises:
        DataError: a source cannot be used, or the test set has other classes.
    """
    from edgetl.types import Dataset

    data: Dataset = registry.load("datasets", recipe.data.source).load(recipe.data)
    samples, sets = list(data.samples), data.label_sets
    if recipe.test is not None:
        samples = [s if s.split != "test" else replace(s, split="val") for s in samples]
        other = _load("test", recipe.test, "load")
        odd = sorted(set(other.class_names) - set(data.class_names))
        if odd:
            what = f"has classes that data has not: {', '.join(odd[:12])}. Rename them as there, or leave their photos out"
            raise DataError(f"test: {what}.")
        own = [data.class_names.index(name) for name in other.class_names]
        if (data.label_sets is None) != (other.label_sets is None):
            raise DataError("test: either data and test both have a separator, or neither.")
        if sets is not None and other.label_sets is not None:
            theirs = [tuple(sorted(own[index] for index in labels)) for labels in other.label_sets]
            sets = tuple(dict.fromkeys((*sets, *theirs)))
            own = [sets.index(labels) for labels in theirs]
        samples += [replace(s, name=f"test:{s.name}", class_index=own[s.class_index], split="test") for s in other.samples]
    if recipe.unlabelled is not None:
        module = registry.load("datasets", recipe.unlabelled.source)
        listed = _load("unlabelled", recipe.unlabelled, "load_unlabelled" if hasattr(module, "load_unlabelled") else "load")
        samples += [replace(s, name=f"unlabelled:{s.name}", class_index=-1, split="unlabelled") for s in listed.samples]
    return Dataset(class_names=data.class_names, samples=tuple(samples), licence=data.licence, label_sets=sets)


def _load(section: str, spec: Source, function: str) -> Dataset:
    """List the images of a further section, whose faults are then told as its own."""
    try:
        found: Dataset = getattr(registry.load("datasets", spec.source), function)(spec)
    except DataError as error:
        raise error.of(section) from error
    return found


def some(recipe: Recipe, count: int) -> list[np.ndarray]:
    """Decode a few images, of different classes as far as there are, for a look.

    Args:
        recipe: the recipe.
        count: how many.

    Returns:
        uint8 (crop_px, crop_px, 3) each; fewer when there are fewer that can be used.

    Raises:
        DataError: none can be used.
    """
    from edgetl import preprocess

    seen: dict[int, int] = {}
    ranked: list[tuple[int, int, int, Sample]] = []
    for sample in gather(recipe).samples:
        seen[sample.class_index] = seen.get(sample.class_index, 0) + 1
        ranked.append((seen[sample.class_index], sample.class_index, len(ranked), sample))
    found: list[np.ndarray] = []
    for *_, sample in sorted(ranked, key=lambda entry: entry[:3]):
        if len(found) == count:
            break
        try:
            found.append(preprocess.to_pixels(sample.read(), recipe.preprocess))
        except (preprocess.ImageFault, OSError):
            continue  # the audit tells of them
    if not found:
        raise DataError("data: no image can be used.")
    return found


def examine(
    recipe: Recipe, dataset: Dataset, pixels: RowWriter | None, emit: Emit
) -> tuple[list[Facts], dict[int, Split], list[Finding]]:
    """Decode all images, deal them to splits, and audit them.

    Args:
        recipe: the recipe.
        dataset: of `gather`.
        pixels: receives each image's pixels; None = only look.
        emit: receives progress.

    Returns:
        Facts of each sample, row → split of those that can be used, and the findings.
    """
    import numpy as np

    from edgetl import perceptual
    from edgetl.audit import audit

    facts = _decode(recipe, dataset.samples, pixels, emit)
    usable = [row for row, fact in enumerate(facts) if fact.reason is None]
    emit({"what": "looking for copies"})
    hashes = np.frombuffer(b"".join(facts[row].hash for row in usable), np.uint8).reshape(-1, perceptual.BYTES)
    alike = [(usable[one], usable[other]) for one, other in perceptual.alike(hashes)]
    splits = _deal(recipe, dataset, facts, usable, alike)
    findings = audit(
        facts,
        splits,
        alike,
        dataset.class_names,
        recipe.preprocess.crop_px,
        label_sets=dataset.label_sets,
        allow=recipe.data.allow,
        skip_bad=recipe.data.on_bad_image == "skip",
    )
    return facts, splits, findings


def refuse(findings: list[Finding], *, skip_bad: bool) -> None:
    """Stop when a finding is an error; tell all of them.

    Args:
        findings: of `examine`.
        skip_bad: whether undecodable images are left out already.

    Raises:
        DataError: with one line for each photo or class.
    """
    errors = [finding for finding in findings if finding.level == "error"]
    if not errors:
        return
    lines = [line for f in errors for line in (f"{photo}{_why(f)}" for photo in f.photos)]
    count = sum(f.count for f in errors)
    more = [f"and {count - min(len(lines), _SHOWN)} more."] if count > min(len(lines), _SHOWN) else []
    names = {f.name for f in errors}
    hint = ""
    if names == {"undecodable"} and not skip_bad:
        hint = " To leave bad images out and list them, set data.on_bad_image: skip."
    elif names <= {"duplicates_across_splits", "near_duplicates_across_splits", "conflicting_labels"}:
        hint = f" To permit it, set data.allow: [{', '.join(sorted(names))}]."
    raise DataError(f"data: {count} fault(s).{hint}", [*lines[:_SHOWN], *more])


def _why(finding: Finding) -> str:
    return "." if finding.name in ("undecodable", "empty_class") else f": {finding.message}."


def _decode(recipe: Recipe, samples: tuple[Sample, ...], pixels: RowWriter | None, emit: Emit) -> list[Facts]:
    """Decode all images, two at a time."""
    from concurrent.futures import ThreadPoolExecutor

    from edgetl import perceptual, preprocess
    from edgetl.audit import Facts

    def one(row: int) -> Facts:
        sample = samples[row]
        try:
            data = sample.read()
        except OSError as error:
            why = f"cannot be read ({error.strerror})"
            return Facts(name=sample.name, class_index=sample.class_index, sha256="", reason=why)
        plain = Facts(name=sample.name, class_index=sample.class_index, sha256=hashlib.sha256(data).hexdigest())
        try:
            image = preprocess.decode(data)
            square = preprocess.fit(image, recipe.preprocess)
            told = preprocess.header(data)
        except preprocess.ImageFault as fault:
            return replace(plain, reason=str(fault))
        if pixels is not None:
            pixels[row] = square
        return replace(plain, hash=perceptual.fingerprint(image), **told)

    found: list[Facts] = []
    with ThreadPoolExecutor(2) as pool:
        for first in range(0, len(samples), 1000):  # futures of a few images at a time
            for fact in pool.map(one, range(first, min(first + 1000, len(samples)))):
                found.append(fact)
                if len(found) % 50 == 1:
                    emit({"what": f"decoding {len(found)}/{len(samples)}", "done": len(found), "of": len(samples)})
    return found


def _deal(
    recipe: Recipe, dataset: Dataset, facts: list[Facts], usable: list[int], alike: list[tuple[int, int]]
) -> dict[int, Split]:
    """Settle the split of every usable image. Photos that look alike stay together, or the test would ask what was taught.

    Where the source names the splits it is obeyed; without a `val` split, validation images are drawn from `train`.
    """
    from edgetl.audit import groups
    from edgetl.split import multilabel_split, stratified_split

    fixed = {row: split for row in usable if (split := dataset.samples[row].split) is not None}
    free = [row for row in usable if row not in fixed]
    spec = recipe.data.split
    shares = (spec.train, spec.val, spec.test)
    if free and recipe.test is not None:
        shares = (spec.train / (spec.train + spec.val), spec.val / (spec.train + spec.val), 0.0)
    elif not free and "val" not in fixed.values():
        free = [row for row, split in fixed.items() if split == "train"]
        shares = (spec.train / (spec.train + spec.val), spec.val / (spec.train + spec.val), 0.0)
    found = dict(fixed)
    dealt_rows = set(free)
    same_class = [(a, b) for a, b in alike if {a, b} <= dealt_rows and facts[a].class_index == facts[b].class_index]
    leader = groups(same_class, len(facts))
    leaders = [row for row in free if leader[row] == row]
    names, labels = [facts[r].name for r in leaders], [facts[r].class_index for r in leaders]
    if dataset.label_sets is None:
        dealt = stratified_split(names, labels, shares, spec.seed)
    else:
        dealt = multilabel_split(names, [dataset.label_sets[label] for label in labels], shares, spec.seed)
    of_leader = dict(zip(leaders, dealt, strict=True))
    for row in free:
        found[row] = of_leader[leader[row]]
    return found
