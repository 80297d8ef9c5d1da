"""golden.json: what an app must make of a few photos, step by step, and how far a sound app may be off: measured, per photo.

Schema history: 1 = `images` with bytes and probabilities; pixels, tensors, tolerances, `artifacts` and `how_to_log` were added
before the first release, and `mean` and `std` of an artifact.
"""

from __future__ import annotations

import hashlib
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from edgetl.bundle import tolerances
from edgetl.errors import VerificationError
from edgetl.mistakes._base import Given
from edgetl.preprocess import ImageFault, header, to_pixels
from edgetl.replay import network as networks
from edgetl.replay import variation
from edgetl.replay.hypotheses import as_values
from edgetl.tensors import sample_at, told
from edgetl.types import Preprocess

_TOP = 5
MOST_LOOKED_AT = 400
"""Photos among which turned and oblong ones are looked for."""
HOW_TO_LOG = (
    "For each image: read the bytes of `file` as the app reads a user's photo, prepare them, run one file of `artifacts`.",
    'Log JSON: {"schema": 1, "artifact": its name, "images": [{"file": …, "tensor": {"samples": […]}, "probabilities": […]}]}.',
    "`samples`: the 64 values buffer[i], for i in sample_at of the artifact, of the input buffer once it is filled (of an image "
    "input: of its RGB bytes). `sha256` of the buffer's bytes, little-endian, may stand beside or instead.",
    '`probabilities`: the output as the file gives it; or `top`: [{"label": …, "probability": …}], as the app shows it; or both.',
    "edgetl golden check BUNDLE --outputs APP.json",
)
HOW_MEASURED = (
    "`measured` says how far each other sound way lies from what is expected: other JPEG transforms and colour enlargements "
    "(libjpeg-turbo's), a resize that rounds once, and other kernels, where a second runtime runs the file. "
    "A tolerance is twice the largest of them; at least 2 levels for a pixel, 0.5 for a mean; for a probability at least 0.002 "
    "of a float file, 0.01 of one that takes an image, 2/256 of one that computes in integers."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Golden:
    """One photo of the contract."""

    file: str
    data: bytes
    label: str | list[str]
    probabilities: Mapping[str, np.ndarray]
    """Artifact → float32 (classes,), as the run verified it; without those that nothing could run."""


def choose(photos: Sequence[tuple[int, bytes]], count: int) -> list[int]:
    """Choose photos of different classes, one turned by EXIF and one that is not square among them where there are such.

    Args:
        photos: class and bytes of each, in order; the first 400 are looked at.
        count: how many at most.

    Returns:
        Indices, ascending.
    """
    looked = photos[:MOST_LOOKED_AT]
    kinds: list[dict[str, Any]] = []
    for _, data in looked:
        try:
            kinds.append(header(data))
        except ImageFault:
            kinds.append({"width": 1, "height": 1, "turned": False})
    chosen: list[int] = []
    turned = [i for i, kind in enumerate(kinds) if kind["turned"]]
    oblong = [i for i, kind in enumerate(kinds) if kind["width"] != kind["height"]]
    for special in (turned, oblong):
        if not set(special) & set(chosen):
            chosen += special[:1]
    for index, (label, _) in enumerate(photos):
        if len(chosen) >= count:
            break
        if label not in {photos[i][0] for i in chosen}:
            chosen.append(index)
    return sorted(chosen[:count])


def contract(
    images: Sequence[Golden],
    files: Mapping[str, Path],
    preprocess: Preprocess,
    class_names: tuple[str, ...],
    places: Mapping[str, str],
    integers: Container[str] = (),
) -> dict[str, Any]:
    """Write down what an app must make of some photos.

    Args:
        images: the photos.
        files: artifact (`format/scheme`) → its file.
        preprocess: how pixels are prepared.
        class_names: in index order.
        places: artifact → its path in the bundle.
        integers: artifacts that compute in integers, whatever their input takes.

    Returns:
        golden.json, as plain values; the same input gives the same.

    Raises:
        VerificationError: the runtime that an app would use refuses a file.
    """
    given = {name: networks.given(path, preprocess, class_names) for name, path in files.items()}
    pixels = [to_pixels(image.data, preprocess) for image in images]
    others = [variation.variants(image.data, preprocess) for image in images]
    measured: dict[str, list[dict[str, float]]] = {}
    artifacts = {}
    for name, path in files.items():
        measured[name], refused = _measured(path, given[name], pixels, others)
        artifacts[name] = {
            "path": places[name],
            "dtype": given[name].dtype,
            "layout": given[name].layout,
            **_left(given[name]),
            "sample_at": list(sample_at(preprocess.crop_px, given[name].layout)),
            "runtimes": list(networks.runtimes(path)),
            **({"not_measured": refused} if refused else {}),
        }
    found = []
    for row, image in enumerate(images):
        facts = header(image.data)
        tensors = {name: told(as_values(pixels[row], given[name]), given[name].layout) for name in files}
        tolerance = {
            name: tolerances.of_probabilities(given[name].dtype, rows[row].values(), integers=name in integers)
            for name, rows in measured.items()
            if rows
        }
        found.append(
            {
                "file": image.file,
                "sha256": hashlib.sha256(image.data).hexdigest(),
                "label": image.label,
                "width": facts["width"],
                "height": facts["height"],
                "turned": facts["turned"],
                "pixels": _pixels(pixels[row], others[row], preprocess),
                "tensors": tensors,
                "probabilities": {name: [round(float(p), 7) for p in values] for name, values in image.probabilities.items()},
                "top": {name: top(values, class_names) for name, values in image.probabilities.items()},
                "tolerance": tolerance,
                "measured": {name: rows[row] for name, rows in measured.items() if rows},
            }
        )
    return {"schema": 1, "how_to_log": list(HOW_TO_LOG), "how_measured": HOW_MEASURED, "artifacts": artifacts, "images": found}


def _measured(
    path: Path, given: Given, pixels: Sequence[np.ndarray], others: Sequence[Mapping[str, np.ndarray]]
) -> tuple[list[dict[str, float]], dict[str, str]]:
    """Largest difference of a probability under each sound variation, per photo; and the runtimes that refuse the file."""
    names, refused = networks.runtimes(path), {}
    if not names:
        return [], {}
    found: list[dict[str, float]] = []
    with networks.Network(path, given, names[0]) as first:
        right = [first.answer(as_values(p, given)) for p in pixels]
        for row, ways in enumerate(others):
            found.append({way: _most(first.answer(as_values(other, given)), right[row]) for way, other in ways.items()})
    for name in names[1:]:
        try:
            with networks.Network(path, given, name) as witness:
                for row, p in enumerate(pixels):
                    found[row][name] = _most(witness.answer(as_values(p, given)), right[row])
        except VerificationError as error:
            refused[name] = str(error)
    return found, refused


def _most(first: np.ndarray, second: np.ndarray) -> float:
    return round(float(np.abs(first - second).max()), 7)


def _pixels(pixels: np.ndarray, others: Mapping[str, np.ndarray], preprocess: Preprocess) -> dict[str, Any]:
    places = list(sample_at(preprocess.crop_px, "NHWC"))
    expected = pixels.reshape(-1)[places].astype(int)
    mean = pixels.reshape(-1, 3).mean(axis=0)
    measured = {
        name: {
            "samples": int(np.abs(other.reshape(-1)[places].astype(int) - expected).max()),
            "mean": round(float(np.abs(other.reshape(-1, 3).mean(axis=0) - mean).max()), 4),
        }
        for name, other in others.items()
    }
    return {
        "sha256": hashlib.sha256(pixels.tobytes()).hexdigest(),
        "mean": [round(float(m), 4) for m in mean],
        "samples": expected.tolist(),
        "tolerance": tolerances.of_pixels(measured.values()),
        "measured": measured,
    }


def _left(given: Given) -> dict[str, float]:
    """What is left to the app of `(byte - mean) / std`: nothing where the file takes bytes, or does it itself."""
    if given.dtype != "float32":
        return {"mean": 0.0, "std": 1.0}
    return {"mean": given.preprocess.mean, "std": given.preprocess.std}


def top(values: np.ndarray, class_names: tuple[str, ...]) -> list[dict[str, Any]]:
    """Name the likeliest classes of an answer, as apps show them: `label`, `probability`."""
    places = np.argsort(-values, kind="stable")[:_TOP]
    return [{"label": class_names[p], "probability": round(float(values[p]), 7)} for p in places]
