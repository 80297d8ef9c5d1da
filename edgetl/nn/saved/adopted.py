"""A network from elsewhere, opened: one record for files of Keras and SavedModels, and the proof that it is still the file's."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from edgetl.errors import ConversionError
from edgetl.evaluation import softmax
from edgetl.multilabel import sigmoid
from edgetl.nn.inference import predict
from edgetl.nn.saved import original, saved_whole, whole
from edgetl.nn.saved.endings import Answers
from edgetl.types import Preprocess

SAME = 1e-5
"""Most that logits may be off the file's own, as a share of the largest one where that is above 1. A probability may be off by
what that makes of it: a quarter, where softmax and sigmoid are steepest, and 1e-5 at least. (Random MobileNetV3s with logits up
to 20 are off by 1e-5 of probability, from single precision alone.)"""
_SMALLEST = 1e-30


@dataclass(frozen=True, slots=True, kw_only=True)
class Adopted:
    """A network, ready to be frozen and quantized."""

    network: Any
    """Called with (values, training): float32 (N, px, px, 3), prepared → logits, or probabilities where `ended`. None for a
    converted file, which is taken over as it is."""
    original: Callable[[np.ndarray], tuple[np.ndarray, str]]
    """uint8 (N, px, px, 3) → float32 (N, values), the file's own answers, and who gave them; ValueError: it cannot be run."""
    answers: Answers
    """What the file's own answers are."""
    preprocess: Preprocess
    ended: bool
    classes: int
    doubled: bool
    """Of its one sigmoid two classes were made."""
    notes: tuple[str, ...]

    @property
    def several(self) -> bool:
        """An image may have several labels."""
        return self.answers == "sigmoid" and not self.doubled


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """How the network made anew compares with the file's own."""

    logits: np.ndarray
    """float32 (N, classes), of the file's own answers; of ours where nobody can run it."""
    original: str
    """Who ran the file's own network, or why nobody could."""
    max_abs_err: float | None
    """Of the answers; None where nobody could."""


def open_network(path: Path, px: int | None, feed: whole.Feed | None) -> Adopted:
    """Open a network.

    Args:
        path: a `.keras` or `.h5`, or a SavedModel's folder.
        px: side of its input, where it leaves that open.
        feed: how its input is made from bytes, where it does not say that itself.

    Returns:
        The network.

    Raises:
        InputError: it cannot be used; with all reasons.
    """
    if path.is_dir():
        found = saved_whole.read(path, px, feed)
        return Adopted(
            network=found.network, original=found.original, answers=found.answers, preprocess=found.preprocess,
            ended=found.answers != "logits", classes=found.classes, doubled=False, notes=found.notes,
        )  # fmt: skip
    asked = whole.plan(path, px, feed)
    model = whole.build(asked, path.name)

    def run(pixels: np.ndarray) -> tuple[np.ndarray, str]:
        if asked.unread:
            raise ValueError(f"it holds layers that do not lead to its answers: {', '.join(asked.unread[:4])}"[:200])
        return original.answers(path, [asked.feed.of(pixels)])

    return Adopted(
        network=model, original=run, answers=asked.answers,
        preprocess=asked.preprocess, ended=False, classes=int(model.output.shape[-1]), doubled=asked.doubled,
        notes=asked.notes,
    )  # fmt: skip


def prove(made: Adopted, pixels: np.ndarray, name: str) -> Proof:
    """Hold the network against the file's own, run by who wrote it.

    Args:
        made: the network.
        pixels: uint8 (N, px, px, 3).
        name: of the file.

    Returns:
        The file's own answers and how far ours are off.

    Raises:
        ConversionError: ours are others.
    """
    if made.network is None:
        theirs, told = made.original(pixels)
        exact = _inverse(theirs, several=made.several)
        return Proof(logits=exact.astype(np.float32), original=told, max_abs_err=None)
    ours = predict(made.network, pixels, made.preprocess).astype(np.float64)
    try:
        theirs, told = made.original(pixels)
    except ValueError as error:
        return Proof(logits=_logits(ours, made).astype(np.float32), original=f"not run: {error}", max_abs_err=None)
    if made.doubled:
        theirs = np.concatenate([1.0 - theirs, theirs], axis=1)
    seen = ours if made.ended or made.answers == "logits" else sigmoid(ours) if made.several else softmax(ours)
    if theirs.shape != seen.shape:
        raise ConversionError(f"{name}: {told} answers {theirs.shape} values, the network made anew {seen.shape}.")
    largest = float(np.abs(theirs if made.answers == "logits" else _logits(ours, made)).max(initial=0.0))
    allowed = SAME * max(1.0, largest if made.answers == "logits" else largest / 4)
    off = float(np.abs(theirs - seen).max())
    if not np.isfinite(theirs).all() or not off <= allowed:
        raise ConversionError(
            f"{name}: could not be made anew: on {len(pixels)} images its answers are off by up to {off:.3g} from those of "
            f"{told}. Nothing was converted. Please report this network's layers."
        )
    exact = theirs if made.answers == "logits" else _inverse(theirs, several=made.several)
    return Proof(logits=exact.astype(np.float32), original=told, max_abs_err=off)


def _logits(values: np.ndarray, made: Adopted) -> np.ndarray:
    return _inverse(values, several=made.several) if made.ended else values


def _inverse(probabilities: np.ndarray, *, several: bool) -> np.ndarray:
    """Logits that give these probabilities."""
    kept = np.maximum(np.asarray(probabilities, np.float64), _SMALLEST)
    found: np.ndarray = np.log(kept) - (np.log(np.maximum(1.0 - kept, _SMALLEST)) if several else 0.0)
    return found
