"""Hold what an app logged against a bundle's golden photos: the first step that differs, and the likeliest mistake."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from edgetl.bundle.contracts import Contract, GoldenPhoto
from edgetl.bundle.opening import OpenBundle
from edgetl.errors import InputError
from edgetl.golden.contradictions import contradictions
from edgetl.golden.expected import opening
from edgetl.mistakes._base import Given
from edgetl.replay import diagnosis, evidence, replays
from edgetl.replay import network as networks
from edgetl.replay.diagnosis import Diagnosis
from edgetl.replay.hypotheses import singles
from edgetl.replay.observed import AppLog, LoggedImage
from edgetl.replay.replays import Replays

Where = Literal["same", "decode or resize", "normalisation or layout", "input", "network", "labels", "input or network"]
_ROUNDED = 0.005
"""Most that a shown probability may be off because the app rounds it to two digits."""
_STAGES: dict[str, Where] = {
    "decode": "decode or resize",
    "resize": "decode or resize",
    "pixels": "normalisation or layout",
    "values": "normalisation or layout",
    "layout": "normalisation or layout",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageCheck:
    """One photo: the first step that differs."""

    file: str
    first: Where
    says: str
    """The figures, in one sentence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GoldenCheck:
    """All of them."""

    artifact: str
    images: tuple[ImageCheck, ...]
    missing: tuple[str, ...]
    """Golden photos that the app did not log."""
    diagnosis: Diagnosis | None
    """None where nothing differs."""

    @property
    def same(self) -> bool:
        """Every photo was logged, and nothing differs."""
        return not self.missing and all(image.first == "same" for image in self.images)


def hold(bundle: OpenBundle, contract: Contract, log: AppLog) -> GoldenCheck:
    """Compare, photo by photo and step by step.

    Args:
        bundle: opened.
        contract: of the artifact that the app loads.
        log: the app's.

    Returns:
        What differs; where something does, what explains it.

    Raises:
        InputError: the log names photos that are not golden, or contradicts itself.
    """
    known = {image.file: image for image in contract.golden}
    strange = [image.file for image in log.images if image.file not in known]
    if strange:
        raise InputError(f"the log: {strange[0]!r} is no golden photo. They are: {', '.join(known)}.")
    path, given = opening(bundle, contract)
    impossible = [fault for image in log.images for fault in contradictions(image, known[image.file], given)]
    if impossible:
        raise InputError("the log: contradicts itself; no verdict can be given.", impossible[:50])
    checks = [_check(image, known[image.file], given) for image in log.images]
    missing = tuple(name for name in known if name not in {image.file for image in log.images})
    if all(found.first == "same" for found in checks):
        return GoldenCheck(artifact=contract.artifact, images=tuple(checks), missing=missing, diagnosis=None)
    photos = [(bundle.folder / "golden" / image.file).read_bytes() for image in log.images]
    names = [image.file for image in log.images]
    network = networks.Network(path, given) if networks.runtimes(path) else None
    try:
        seen = replays.with_right(photos, given, network, singles(given))
        why = diagnosis.explain(log.images, range(len(photos)), names, photos, seen, network)
        if why.finding.outcome == "none":  # what was measured of sound apps decides
            why = replace(why, finding=replace(why.finding, outcome="unexplained"))
    finally:
        if network is not None:
            network.close()
    checks = [_located(found, image, row, seen) for row, (found, image) in enumerate(zip(checks, log.images, strict=True))]
    return GoldenCheck(artifact=contract.artifact, images=tuple(checks), missing=missing, diagnosis=why)


def _check(image: LoggedImage, wanted: GoldenPhoto, given: Given) -> ImageCheck:
    says, input_seen = [], False
    if image.tensor is not None:
        if image.tensor.sha256 == wanted.tensor_sha256:
            input_seen = True
            says.append("input equal to the bit")
        elif image.tensor.samples is not None:
            away = evidence.levels_apart(image.tensor.samples, np.array(wanted.samples), given)
            input_seen = True
            says.append(f"input off by up to {away.max():.3g} levels (allowed {wanted.levels:g})")
            if away.max() > wanted.levels + 1e-3:
                return ImageCheck(file=image.file, first="input", says=says[0])
        else:
            says.append("input not equal to the bit, which decoders may cause; log its samples")
    if wanted.probabilities is None or wanted.tolerance is None:
        return ImageCheck(file=image.file, first="same", says="; ".join([*says, "outputs unknown: nothing ran this file here"]))
    right = np.array(wanted.probabilities)
    if image.probabilities is not None:
        logged = np.array(image.probabilities)
        off = float(np.abs(logged - right).max())
        says.append(f"probabilities off by up to {off:.3g} (allowed {wanted.tolerance:.3g})")
        if off > wanted.tolerance + 1e-6:
            ordered = float(np.abs(np.sort(logged) - np.sort(right)).max())
            return _outputs(image, says, ordered <= wanted.tolerance + 1e-6, input_seen)
    if image.top is not None:
        fault, ordered_same = _names(image, right, wanted.tolerance, given.class_names)
        if fault is not None:
            says.append(fault)
            raw_same = image.probabilities is not None
            return _outputs(image, says, raw_same or ordered_same, input_seen)
        says.append("names as expected")
    return ImageCheck(file=image.file, first="same", says="; ".join(says))


def _outputs(image: LoggedImage, says: list[str], labels: bool, input_seen: bool) -> ImageCheck:
    first: Where = "labels" if labels else "network" if input_seen else "input or network"
    return ImageCheck(file=image.file, first=first, says="; ".join(says))


def _names(image: LoggedImage, right: np.ndarray, tolerance: float, class_names: tuple[str, ...]) -> tuple[str | None, bool]:
    """What is wrong with the classes an app showed (None = nothing), and whether their probabilities alone are right."""
    assert image.top is not None
    best = np.sort(right)[::-1][: len(image.top)]
    fault, ordered = None, True
    for place, entry in enumerate(image.top):
        wanted = float(right[class_names.index(entry.label)])
        if entry.probability is not None:
            ordered = ordered and abs(entry.probability - best[place]) <= tolerance + _ROUNDED
            wrong = abs(entry.probability - wanted) > tolerance + _ROUNDED
        else:
            ordered = False
            wrong = wanted < best[place] - 2 * tolerance
        if wrong and fault is None:
            shown = "" if entry.probability is None else f" with {entry.probability:.3g}"
            fault = f"shows {entry.label}{shown}, where {wanted:.3g} is expected (allowed {tolerance:.3g})"
    return fault, ordered


def _located(found: ImageCheck, image: LoggedImage, row: int, seen: Replays) -> ImageCheck:
    """Say of an input that differs whether decoding and resizing, or what follows, does it: by the mistake next to its values."""
    if found.first != "input" or image.tensor is None or image.tensor.samples is None:
        return found
    stages = {h.name: h.steps[0].stage for h in singles(seen.given)}
    away = {
        name: float(np.sqrt((evidence.levels_apart(image.tensor.samples, seen.samples[name][row], seen.given) ** 2).mean()))
        for name, stage in stages.items()
        if stage != "labels"
    }
    nearest = min(away, key=lambda name: away[name])
    if away[nearest] > 3.0 * seen.levels[row]:
        return found
    return ImageCheck(file=found.file, first=_STAGES[stages[nearest]], says=found.says)
