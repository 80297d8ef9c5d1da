"""Adopt: a network made elsewhere × photos → what a recipe's run has once it has trained, without any training.

Input: a `.keras`, `.h5`, SavedModel or `.tflite`. Output: `checkpoint/` with the float network, a folder for each scheme that
was calibrated, and the photos as pixels, laid out as `prepare` and `quantize` do it. What comes later (convert, verify) is the
same as for a recipe.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgetl import registry
from edgetl.recipe import Quantize, Recipe
from edgetl.runtimes._base import each_answer
from edgetl.stages import _brought_photos as brought_photos
from edgetl.stages._base import CALIBRATION, Emit, Job
from edgetl.types import Preprocess, to_json

if TYPE_CHECKING:
    import numpy as np

    from edgetl.nn.saved.adopted import Adopted
    from edgetl.nn.saved.whole import Feed
    from edgetl.photos import Photo

VERSION = 2
RESUMABLE = False
ENVIRONMENT = {"KERAS_BACKEND": "tensorflow"}
CHECKPOINT = "checkpoint"
"""Folder of the float network."""
ORIGIN = "origin"
"""Folder of a TFLite file that was taken over."""
_BATCH = 16
_RANDOM_IMAGES = 8
"""Beside the photos, on which the network made anew must answer as the file's own does."""


def decides(recipe: Recipe, target: str) -> dict[str, Any]:
    """See `StageModule.decides`: nothing, as its results are not kept."""
    return {}


def packages(recipe: Recipe, target: str) -> tuple[str, ...]:
    """See `StageModule.packages`."""
    return ("tensorflow", "tf_keras", "numpy")


def run(job: Job, emit: Emit) -> dict[str, Any]:
    """See `StageModule.run`. What it reads of `extra` is written by `edgetl.conversion`."""
    import numpy as np

    from edgetl.errors import InputError
    from edgetl.nn import training
    from edgetl.nn.saved import adopted, whole

    training.deterministic()
    given, path, out = job.extra, Path(job.extra["model"]), Path(job.out)
    feed = None if given["feed"] is None else whole.Feed(mean=tuple(given["feed"]["mean"]), std=tuple(given["feed"]["std"]))
    emit({"what": f"reading {path.name}"})
    made = _tflite(path, feed) if path.suffix == ".tflite" else adopted.open_network(path, given["px"], feed)
    made = replace(made, preprocess=_sized(made.preprocess, given))
    schemes = sorted({target.scheme for target in job.recipe.targets})
    names = tuple(given["labels"] or map(str, range(made.classes)))
    if len(names) != made.classes:
        raise InputError(f"--labels: holds {len(names)} names; {path.name} has {made.classes} classes.")
    items, calibrating, tested, labelled = brought_photos.listed(given, job.recipe, names, several=made.several)
    pixels = _decoded(items, names, made.preprocess, emit)
    noise = np.random.default_rng(job.recipe.seed).integers(0, 256, (_RANDOM_IMAGES, *pixels.shape[1:]), np.uint8)
    emit({"what": "comparing with the original"})
    proof = adopted.prove(made, np.concatenate([noise, pixels]), path.name)
    logits = proof.logits[len(noise) :][tested]
    labels, sets = _right(logits, [items[row].label for row in tested], labelled=labelled, several=made.several)
    _write_photos(out, pixels, items, calibrating, tested, labels, names, sets)
    facts = {
        "class_names": names,
        "input_px": made.preprocess.crop_px,
        "backbone": path.name,
        "history": [],
        "weights": path.name,
    }
    _save(out / CHECKPOINT, made, made.network, {"logits": logits, "labels": labels}, facts)
    if made.network is None:
        _take_over(path, out / ORIGIN, given["scheme"])
    kept = dict[str, Any]()
    for scheme in schemes if made.network is not None else ():
        if registry.load("schemes", scheme).NEEDS == "calibration":
            emit({"what": f"calibrating {scheme}"})
            units = _calibrate(job, scheme, made, pixels, (calibrating, tested), labels, facts)
            kept |= {scheme: {"asked": units, "units": units}} if units else {}
    return {
        "preprocess": to_json(made.preprocess),
        "class_names": names,
        "several": made.several,
        "labelled": labelled,
        "original": proof.original,
        "max_abs_err": proof.max_abs_err,
        "calibration_images": len(calibrating),
        "verification_images": len(tested),
        "notes": list(made.notes),
        "kept_in_float": kept,
        "warnings": brought_photos.cautions(made, schemes, pixels, (calibrating, tested), logits, names),
    }


def _tflite(path: Path, feed: Feed | None) -> Adopted:
    """Open a TFLite file; its own answers are those of LiteRT."""
    import numpy as np

    from edgetl.errors import InputError
    from edgetl.grid import foreign
    from edgetl.inspection import tflite
    from edgetl.nn.saved import whole
    from edgetl.nn.saved.adopted import Adopted

    found, notes = foreign.look(path.read_bytes(), path.name), ["a converted file, taken over as it is"]
    if feed is None:
        stated = tflite.read(path).metadata.get("normalisation", "")
        feed = _stated(stated)
        if feed is None:
            raise InputError(f"{path.name}: {whole.need_of_feed(False)}")
        notes.append(f"how pixels become its input is what its metadata says: {stated}")
    mean, std = feed.mean[0], feed.std[0]
    if len(set(feed.mean)) > 1 or len(set(feed.std)) > 1:
        raise InputError(f"{path.name}: a TFLite file is taken over as it is, so --mean and --std must be one number each.")
    if found.step is not None and (abs(found.step * std - 1.0) > 0.01 or abs(found.zero + 128 - mean) > 1.0):
        raise InputError(
            f"{path.name}: its integer input stands for (byte - {found.zero + 128}) / {1 / found.step:.4g}; --mean {mean:g} and "
            f"--std {std:g} say otherwise{' (so does its metadata)' if len(notes) > 1 else ''}. One of the two is wrong."
        )
    preprocess = Preprocess(resize_px=found.px, crop_px=found.px, mean=mean, std=std)
    names = tuple(map(str, range(found.classes)))

    def answers(pixels: np.ndarray) -> tuple[np.ndarray, str]:
        session = registry.load("runtimes", "litert").open(path, 1, preprocess, names)
        values = np.empty((len(pixels), found.classes), np.float32)
        for row, answer in enumerate(each_answer(session, pixels)):
            values[row] = answer
        session.close()
        return values, "LiteRT"

    return Adopted(
        network=None, original=answers, answers="sigmoid" if found.several else "softmax", preprocess=preprocess, ended=True,
        classes=found.classes, doubled=False, notes=tuple(notes),
    )  # fmt: skip


def _stated(text: str) -> Feed | None:
    """Read `mean M, std S` (one number each, or three), as `edgetl inspect` tells a file's metadata."""
    from edgetl.nn.saved import whole

    halves = [half.split()[1:] for half in text.split(", ")]
    if len(halves) != 2 or not all(len(half) in (1, 3) for half in halves):
        return None
    mean, std = ([float(word) for word in half] for half in halves)
    if not all(math.isfinite(value) for value in (*mean, *std)) or min(std) <= 0.0:
        return None
    return whole.Feed(mean=(mean[0], mean[len(mean) // 2], mean[-1]), std=(std[0], std[len(std) // 2], std[-1]))


def _take_over(path: Path, folder: Path, scheme: str) -> None:
    """Lay the file down as a converted one that others are made from."""
    from edgetl.types import Artifact

    data = path.read_bytes()
    folder.mkdir()
    (folder / path.name).write_bytes(data)
    artifact = Artifact(
        format="tflite", scheme=scheme, path=path.name, sha256=hashlib.sha256(data).hexdigest(), size_bytes=len(data),
        inputs=(), outputs=(), converter="taken over",
    )  # fmt: skip
    text = json.dumps({"schema": 1, **to_json(artifact)}, indent=1, ensure_ascii=False)
    (folder / "artifact.json").write_text(text, encoding="utf-8")


def _sized(preprocess: Preprocess, given: dict[str, Any]) -> Preprocess:
    from edgetl.errors import InputError

    wished = {key: given[key] for key in ("resize_px", "interpolation") if given[key] is not None}
    found = replace(preprocess, **wished)
    if found.resize_px < found.crop_px:
        raise InputError(f"resize_px: {found.resize_px} is less than the network's input, {found.crop_px} px.")
    return found


def _decoded(items: tuple[Photo, ...], names: tuple[str, ...], preprocess: Preprocess, emit: Emit) -> np.ndarray:
    from edgetl.photos import Photos

    def told(done: int, of: int) -> None:
        if done % 50 == 0:
            emit({"what": "decoding photos", "done": done, "of": of})

    return Photos(class_names=names, items=items).pixels(preprocess, told)


def _right(
    logits: np.ndarray, labels: Sequence[int], *, labelled: bool, several: bool
) -> tuple[np.ndarray, list[list[int]] | None]:
    """Labels of the tested photos, and the label sets they number; where nobody says them, what the original answers."""
    import numpy as np

    if labelled:
        return np.array(labels, np.int64), None
    if not several:
        return logits.argmax(axis=1).astype(np.int64), None
    found, index = np.unique(logits >= 0.0, axis=0, return_inverse=True)
    return index.reshape(-1).astype(np.int64), [np.flatnonzero(row).tolist() for row in found]


def _write_photos(
    out: Path,
    pixels: np.ndarray,
    items: Sequence[Photo],
    calibrating: Sequence[int],
    tested: Sequence[int],
    labels: np.ndarray,
    names: tuple[str, ...],
    sets: list[list[int]] | None,
) -> None:
    """Write what `prepare` writes; photos that calibrate are its training split, those that are tested its test split."""
    import numpy as np

    from edgetl.rowfile import RowWriter

    writer = RowWriter(out / "pixels.npy", pixels.shape, "uint8")
    for row in range(len(pixels)):
        writer[row] = pixels[row]
    writer.close()
    np.save(out / "labels.npy", np.concatenate([np.zeros(len(calibrating), np.int64), labels]))
    places = [*((row, "train", -1) for row in calibrating), *zip(tested, ["test"] * len(tested), labels.tolist(), strict=True)]
    images = [{"name": items[row].name, "class_index": label, "split": split, "row": row} for row, split, label in places]
    index = {"schema": 1, "class_names": names, "label_sets": sets, "images": images, "skipped": [], "warnings": []}
    (out / "index.json").write_text(json.dumps(index, ensure_ascii=False), encoding="utf-8")


def _save(folder: Path, made: Adopted, network: Any, answers: dict[str, Any], facts: dict[str, Any]) -> None:
    """Write a checkpoint: the frozen network, what it is, and the answers that files are held against."""
    import numpy as np

    from edgetl.nn import checkpoint, frozen

    folder.mkdir()
    if network is not None:
        ended = made.ended and network is made.network
        frozen.freeze(network, made.preprocess.crop_px, folder / frozen.NETWORK, several=made.several, ended=ended)
    np.savez(folder / checkpoint.ANSWERS, allow_pickle=False, **answers)
    told = {"schema": 1, **facts, **({"several": True} if made.several else {})}
    (folder / checkpoint.FACTS).write_text(json.dumps(told, indent=1, ensure_ascii=False), encoding="utf-8")


def _calibrate(
    job: Job,
    scheme: str,
    made: Adopted,
    pixels: np.ndarray,
    rows: tuple[list[int], list[int]],
    labels: np.ndarray,
    facts: dict[str, Any],
) -> list[str]:
    """Do what `quantize` does for a scheme that needs no training; returns the units that compute in float."""
    from edgetl.nn import checkpoint, fake_quant, inference, tie_ranges
    from edgetl.preprocess import normalise

    module, out, (calibrating, tested) = registry.load("schemes", scheme), Path(job.out) / scheme, rows
    units: list[str] = []
    if not hasattr(module, "wrap"):
        out.mkdir()
    else:
        section = job.recipe.quantize or Quantize(scheme=scheme)
        integers = any(target.scheme == scheme and target.io != "float32" for target in job.recipe.targets)
        limits = tie_ranges.settle_input(made.preprocess.mean, made.preprocess.std, whole=integers)
        network = module.wrap(made.network, limits)
        batches = [normalise(pixels[calibrating[i : i + _BATCH]], made.preprocess) for i in range(0, len(calibrating), _BATCH)]
        asked = () if section.keep_float == "auto" else section.keep_float
        kept = fake_quant.keep(network, made.network, asked)
        units, layers = list(kept.units), sorted(kept.layers)
        ranges = fake_quant.calibrate(
            network, made.network, batches, section.ranges, bias_correction=section.bias_correction, keep_float=layers
        )
        fake_quant.settle(network, batches[-1])
        answers = inference.predict(network, pixels[tested], made.preprocess)
        facts = {**facts, "scheme": scheme, checkpoint.KEEP_FLOAT: layers}
        _save(out, made, network, {"logits": answers, "labels": labels}, facts)
        (out / "ranges.json").write_text(json.dumps({"schema": 1, "ranges": ranges}, indent=1), encoding="utf-8")
    record = {"schema": 1, "split": "train", "rows": list(range(len(calibrating)))}
    (out / CALIBRATION).write_text(json.dumps(record), encoding="utf-8")
    return units
