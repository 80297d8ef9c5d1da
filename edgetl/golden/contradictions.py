"""What cannot all be true in one log: such a log is refused, for whatever was said of it would be wrong."""

from __future__ import annotations

import numpy as np

from edgetl.bundle.contracts import GoldenPhoto
from edgetl.mistakes._base import Given
from edgetl.replay import evidence
from edgetl.replay.observed import LoggedImage

_PRINTED_LEVELS = 1.0
"""Most that a sample of the right buffer may be off because it was printed with few digits, in levels of 255."""
_PRINTED = 0.01
"""The same for a probability."""


def contradictions(image: LoggedImage, wanted: GoldenPhoto, given: Given) -> list[str]:
    """Hold what an app logged of one photo against itself.

    Args:
        image: what it logged.
        wanted: what is expected.
        given: the file's input and classes.

    Returns:
        Faults, in sentences; none where all of it can be true.
    """
    found, tensor, top = [], image.tensor, image.top
    if tensor is not None and tensor.samples is not None and tensor.sha256 == wanted.tensor_sha256:
        away = float(evidence.levels_apart(tensor.samples, np.array(wanted.samples), given).max())
        if away > _PRINTED_LEVELS:
            found.append(
                f"{image.file}: its sha256 is that of the right input, its samples are off by up to {away:.3g} levels; "
                "take both from the buffer that the network gets."
            )
    if image.probabilities is None or top is None:
        return found
    own = np.array(image.probabilities)
    places = [given.class_names.index(entry.label) for entry in top]
    shown = np.array([own[p] if e.probability is None else e.probability for p, e in zip(places, top, strict=True)])
    if float(np.abs(shown[:, None] - own).min(axis=1).max()) > _PRINTED:
        found.append(f"{image.file}: top shows what is not among probabilities; log both of the same answer.")
    elif wanted.probabilities is not None and wanted.tolerance is not None:
        right = np.array(wanted.probabilities)[places]
        sound = float(np.abs(shown - right).max()) <= wanted.tolerance + _PRINTED
        if sound and float(np.abs(own[places] - shown).max()) > 2 * wanted.tolerance + _PRINTED:
            found.append(
                f"{image.file}: top names the classes as expected, probabilities stand in another order; "
                "log them in the order in which the file gives them."
            )
    return found
