"""Photos through a file in many ways: what it answers to the right way, to every mistake, and to a sound app's variations."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from edgetl.bundle import tolerances
from edgetl.mistakes._base import Given
from edgetl.replay import likelihood, variation
from edgetl.replay.hypotheses import RIGHT, Hypothesis, Photo, as_values
from edgetl.replay.network import Network
from edgetl.tensors import flat, sample_at

Told = Callable[[float, str], None]
_LEAST_SCALE = {"float32": 0.003, "image": 0.01, "uint8": 0.02, "int8": 0.02}
"""Least distance (see `likelihood.hellinger`) at which two sound apps lie, by the type of the input.

float32: kernels of two engines differ by 1e-6 to 1e-4 in a probability, 16-bit arithmetic of a GPU by some 1e-3. Integers: an
output has steps of 1/256, and one step off in two classes of small probability is a distance of 0.02 to 0.06.
"""
_LEAST_LEVELS = 0.5
"""Least difference of two sound apps' pixels, in levels of 255 (root mean square): each rounds."""


@dataclass(slots=True)
class Replays:
    """What a file answers to N photos, each in every way; rows in the order of the photos."""

    given: Given
    outputs: dict[str, np.ndarray] = field(default_factory=dict)
    """Name of the hypothesis → float32 (N, classes), before the app gives names."""
    samples: dict[str, np.ndarray] = field(default_factory=dict)
    """Name of the hypothesis → float64 (N, 64), values of the input at `sample_at`."""
    scales: np.ndarray = field(default_factory=lambda: np.empty(0))
    """(N,): at what distance of the right outputs a sound app's lie."""
    levels: np.ndarray = field(default_factory=lambda: np.empty(0))
    """(N,): how far a sound app's pixels lie from the right ones, root mean square, in levels of 255."""
    allowed: np.ndarray = field(default_factory=lambda: np.empty(0))
    """(N,): how far one value of a sound app's may be off, in levels: as golden.json's tolerance of a pixel."""


def replay(
    photos: Sequence[Photo],
    given: Given,
    network: Network | None,
    hypotheses: Sequence[Hypothesis],
    told: Told | None = None,
    what: str = "photos",
) -> Replays:
    """Send photos through a file in some ways, one photo at a time.

    Args:
        photos: those that `edgetl.preprocess` can use.
        given: the file's input.
        network: the file; None = the input's values are enough.
        hypotheses: the ways.
        told: receives how far it is.
        what: is done, for `told`.

    Returns:
        The answers, without scales and levels; see `with_right`.
    """
    found = Replays(given=given)
    places = list(sample_at(given.preprocess.crop_px, given.layout))
    outputs: dict[str, list[np.ndarray]] = {way.name: [] for way in hypotheses}
    samples: dict[str, list[np.ndarray]] = {way.name: [] for way in hypotheses}
    for row, photo in enumerate(photos):
        seen = dict[tuple[object, ...], tuple[np.ndarray, np.ndarray]]()
        for way in hypotheses:
            key = tuple(step.do for step in way.steps if step.stage != "labels")
            if key not in seen:
                values = photo.values(way)
                seen[key] = (flat(values, given.layout)[places].astype(np.float64), _answer(network, values))
            samples[way.name].append(seen[key][0])
            outputs[way.name].append(seen[key][1])
        if told is not None:
            told((row + 1) / len(photos), what)
    found.outputs = {name: np.array(rows) for name, rows in outputs.items()}
    found.samples = {name: np.array(rows) for name, rows in samples.items()}
    return found


def with_right(
    photos: Sequence[bytes], given: Given, network: Network | None, hypotheses: Sequence[Hypothesis], told: Told | None = None
) -> Replays:
    """Replay the right way too, and measure how far sound variations of it lie.

    Args:
        photos: encoded photos that `edgetl.preprocess` can use; no more than one at a time is kept decoded.
        given: the file's input.
        network: the file; None = the input's values are enough.
        hypotheses: the ways besides the right one.
        told: receives how far it is.

    Returns:
        The answers.
    """
    parts, sound = [], []
    for row, data in enumerate(photos):
        photo = Photo(data, given)
        parts.append(replay([photo], given, network, [RIGHT, *hypotheses]))
        sound.append(_sound(photo.pixels(), data, given, network, parts[-1].outputs[RIGHT.name][0]))
        if told is not None:
            told((row + 1) / len(photos), "photos in every way")
    scales, levels, allowed = np.array(sound).T
    return Replays(
        given=given,
        outputs={h.name: np.concatenate([part.outputs[h.name] for part in parts]) for h in (RIGHT, *hypotheses)},
        samples={h.name: np.concatenate([part.samples[h.name] for part in parts]) for h in (RIGHT, *hypotheses)},
        scales=scales,
        levels=levels,
        allowed=allowed,
    )


def _answer(network: Network | None, values: np.ndarray) -> np.ndarray:
    return np.empty(0, np.float32) if network is None else network.answer(values)


def _sound(
    pixels: np.ndarray, data: bytes, given: Given, network: Network | None, right: np.ndarray
) -> tuple[float, float, float]:
    """Measure how far sound variations lie from the right way: distance of the outputs; levels of pixels, mean and allowed."""
    distances, levels, most = [_LEAST_SCALE[given.dtype]], [_LEAST_LEVELS], [tolerances.LEAST_LEVELS / 2]
    places = list(sample_at(given.preprocess.crop_px, "NHWC"))
    for other in variation.variants(data, given.preprocess).values():
        most.append(float(np.abs(other.reshape(-1)[places].astype(int) - pixels.reshape(-1)[places]).max()))
        levels.append(float(np.sqrt(((other.astype(np.float64) - pixels) ** 2).mean())))
        if network is not None:
            distances.append(float(likelihood.hellinger(network.answer(as_values(other, given)), right)))
    return max(distances), max(levels), 2 * max(most)
