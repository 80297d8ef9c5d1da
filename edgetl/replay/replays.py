"""Photos through a file in many ways: what it answers to the right way, to every mistake, and to a sound app's variations."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from edgetl.mistakes._base import Given
from edgetl.replay import likelihood, variation
from edgetl.replay.hypotheses import RIGHT, Hypothesis, Photo, as_values
from edgetl.replay.network import Network
from edgetl.replay.observed import flat, sample_at

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


def replay(
    photos: Sequence[bytes],
    given: Given,
    network: Network | None,
    hypotheses: Sequence[Hypothesis],
    told: Told | None = None,
    what: str = "photos in every way",
) -> Replays:
    """Send photos through a file in every way, one photo at a time.

    Args:
        photos: encoded photos that `edgetl.preprocess` can use.
        given: the file's input.
        network: the file; None = the input's values are enough.
        hypotheses: the ways besides the right one.
        told: receives how far it is.
        what: is done, for `told`.

    Returns:
        The answers.
    """
    found = Replays(given=given)
    ways = [RIGHT, *(h for h in hypotheses if h.steps)]
    places = list(sample_at(given.preprocess.crop_px, given.layout))
    outputs: dict[str, list[np.ndarray]] = {way.name: [] for way in ways}
    samples: dict[str, list[np.ndarray]] = {way.name: [] for way in ways}
    scales, levels = [], []
    for row, data in enumerate(photos):
        photo, seen = Photo(data, given), dict[tuple[object, ...], tuple[np.ndarray, np.ndarray]]()
        for way in ways:
            key = tuple(step.do for step in way.steps if step.stage != "labels")
            if key not in seen:
                values = photo.values(way)
                seen[key] = (flat(values, given.layout)[places].astype(np.float64), _answer(network, values))
            samples[way.name].append(seen[key][0])
            outputs[way.name].append(seen[key][1])
        scale, level = _sound(photo.pixels(), data, given, network, seen[()][1])
        scales.append(scale)
        levels.append(level)
        if told is not None:
            told((row + 1) / len(photos), what)
    found.outputs = {name: np.array(rows) for name, rows in outputs.items()}
    found.samples = {name: np.array(rows) for name, rows in samples.items()}
    found.scales, found.levels = np.array(scales), np.array(levels)
    return found


def _answer(network: Network | None, values: np.ndarray) -> np.ndarray:
    return np.empty(0, np.float32) if network is None else network.answer(values)


def _sound(pixels: np.ndarray, data: bytes, given: Given, network: Network | None, right: np.ndarray) -> tuple[float, float]:
    """Measure how far sound variations lie from the right way: distance of the outputs, levels of the pixels."""
    distances, levels = [_LEAST_SCALE[given.dtype]], [_LEAST_LEVELS]
    for other in variation.variants(data, given.preprocess).values():
        levels.append(float(np.sqrt(((other.astype(np.float64) - pixels) ** 2).mean())))
        if network is not None:
            distances.append(float(likelihood.hellinger(network.answer(as_values(other, given)), right)))
    return max(distances), max(levels)
