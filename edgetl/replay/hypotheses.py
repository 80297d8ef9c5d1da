"""Ways from the bytes of a photo to the values of the input: the right one, and those of each mistake and of two at once."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from edgetl import registry
from edgetl.mistakes._base import STAGES, Given, Stage
from edgetl.preprocess import decode, fit
from edgetl.tensors import of_pixels

if TYPE_CHECKING:
    import numpy as np

_REPLACING = ("decode", "resize", "values")
"""Stages of which a way is done instead of the right step; the others follow what comes before them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One mistake, made one way."""

    mistake: str
    way: str
    stage: Stage
    do: Callable[..., Any]

    @property
    def name(self) -> str:
        """As reports print it."""
        return f"{self.mistake} ({self.way})" if self.way else self.mistake


@dataclass(frozen=True, slots=True, kw_only=True)
class Hypothesis:
    """What an app may do: nothing wrong, one mistake, or two of different stages."""

    steps: tuple[Step, ...] = ()

    @property
    def name(self) -> str:
        """`none`, or the mistakes in the order in which they happen."""
        return " + ".join(step.name for step in self.steps) or "none"

    @property
    def mistakes(self) -> tuple[str, ...]:
        """Names of the plug-ins."""
        return tuple(step.mistake for step in self.steps)

    def of(self, stage: Stage) -> Callable[..., Any] | None:
        """What is done at a stage instead of the right step, or after it; None where nothing is wrong."""
        return next((step.do for step in self.steps if step.stage == stage), None)

    def named(self, outputs: np.ndarray) -> np.ndarray:
        """Give the answers the names that the app gives them; float32 (..., classes)."""
        do = self.of("labels")
        return outputs if do is None else do(outputs)


RIGHT = Hypothesis()


def singles(given: Given) -> tuple[Hypothesis, ...]:
    """List every mistake that can be made with a file, each way of it.

    Args:
        given: the file's input and preprocessing.

    Returns:
        In the order in which the mistakes happen.
    """
    found = []
    for mistake in registry.names("mistakes"):
        module = registry.load("mistakes", mistake)
        for way, do in module.ways(given).items():
            found.append(Hypothesis(steps=(Step(mistake=mistake, way=way, stage=module.STAGE, do=do),)))
    return tuple(sorted(found, key=lambda h: (STAGES.index(h.steps[0].stage), h.name)))


def pairs(alone: Iterable[Hypothesis]) -> tuple[Hypothesis, ...]:
    """Join mistakes of different stages, two at a time.

    Args:
        alone: hypotheses of one mistake each, in the order in which they happen.

    Returns:
        The pairs.
    """
    both = itertools.combinations(tuple(alone), 2)
    return tuple(Hypothesis(steps=a.steps + b.steps) for a, b in both if a.steps[0].stage != b.steps[0].stage)


class Photo:
    """One photo; what several ways have in common is done once."""

    def __init__(self, data: bytes, given: Given) -> None:
        """Take the bytes of an encoded photo; nothing is decoded yet."""
        self._data, self._given = data, given
        self._decoded: dict[Any, Any] = {}
        self._fitted: dict[Any, np.ndarray] = {}

    def pixels(self, hypothesis: Hypothesis = RIGHT) -> np.ndarray:
        """Decode, turn, resize and crop; uint8 (px, px, 3). Raises ImageFault when the photo cannot be used."""
        import numpy as np

        decoding, resizing, after = (hypothesis.of(stage) for stage in ("decode", "resize", "pixels"))
        if decoding not in self._decoded:
            self._decoded[decoding] = (decoding or decode)(self._data)
        if (decoding, resizing) not in self._fitted:
            self._fitted[decoding, resizing] = (resizing or fit)(self._decoded[decoding], self._given.preprocess)
        found = self._fitted[decoding, resizing]
        return np.ascontiguousarray(found if after is None else after(found))

    def values(self, hypothesis: Hypothesis = RIGHT) -> np.ndarray:
        """Go on to what the file's input reads; (px, px, 3) of its type, height × width × channel whatever the layout."""
        return as_values(self.pixels(hypothesis), self._given, hypothesis)


def as_values(pixels: np.ndarray, given: Given, hypothesis: Hypothesis = RIGHT) -> np.ndarray:
    """Turn pixels into what the file's input reads.

    Args:
        pixels: uint8 (px, px, 3).
        given: the file's input and preprocessing.
        hypothesis: what goes wrong on the way.

    Returns:
        (px, px, 3) of the input's type (uint8 where it takes a picture), as the file reads it.
    """
    import numpy as np

    do, after = hypothesis.of("values"), hypothesis.of("layout")
    found = np.ascontiguousarray(do(pixels) if do is not None else of_pixels(pixels, given.dtype, given.preprocess))
    return found if after is None else np.ascontiguousarray(after(found))
