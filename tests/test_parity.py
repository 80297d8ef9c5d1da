"""Parity measures: known answers, and what they refuse."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest

from edgetl import parity

LOGITS = np.array([[1.0, 2.0, 3.0], [3.0, 1.0, 2.0], [0.0, 5.0, 1.0], [1.0, 0.0, 0.0]], np.float32)
MEASURES = [parity.max_abs_err, parity.top1_agreement, parity.cosine, parity.sqnr_db]


def test_identical_outputs() -> None:
    assert parity.max_abs_err(LOGITS, LOGITS) == 0.0
    assert parity.top1_agreement(LOGITS, LOGITS) == 1.0
    assert parity.cosine(LOGITS, LOGITS) == pytest.approx(1.0)
    assert parity.sqnr_db(LOGITS, LOGITS) == math.inf


def test_max_abs_err_finds_the_one_element() -> None:
    candidate = LOGITS.copy()
    candidate[2, 1] -= 0.25
    assert parity.max_abs_err(LOGITS, candidate) == 0.25


def test_max_abs_err_does_not_wrap_integers() -> None:
    assert parity.max_abs_err(np.array([[-128]], np.int8), np.array([[127]], np.int8)) == 255.0


def test_top1_agreement_counts_images() -> None:
    candidate = LOGITS.copy()
    candidate[1] = [0.0, 9.0, 0.0]
    assert parity.top1_agreement(LOGITS, candidate) == 0.75


def test_top1_of_a_tie_is_the_lowest_index() -> None:
    assert parity.top1_agreement([[1.0, 1.0]], [[1.0, 0.0]]) == 1.0
    assert parity.top1_agreement([[1.0, 1.0]], [[0.0, 1.0]]) == 0.0


def test_top1_agreement_refuses_one_vector() -> None:
    with pytest.raises(ValueError, match=r"must be \(images, classes\)"):
        parity.top1_agreement([1.0, 2.0], [1.0, 2.0])


def test_cosine_known_answers() -> None:
    assert parity.cosine([[1.0, 0.0]], [[1.0, 1.0]]) == pytest.approx(math.sqrt(0.5))
    assert parity.cosine([[1.0, 2.0]], [[-2.0, -4.0]]) == pytest.approx(-1.0)
    assert parity.cosine([[1e-200, 2e-200]], [[1e200, 2e200]]) == pytest.approx(1.0)
    assert parity.cosine([[0.0, 0.0]], [[0.0, 0.0]]) == 1.0
    assert parity.cosine([[0.0, 0.0]], [[0.0, 1.0]]) == 0.0


def test_sqnr_known_answers() -> None:
    assert parity.sqnr_db([[10.0, 0.0]], [[9.0, 0.0]]) == pytest.approx(20.0)
    assert parity.sqnr_db([[0.0]], [[1.0]]) == -math.inf


def test_sqnr_of_an_8_bit_sine_is_the_textbook_value() -> None:
    """6.02 bits + 1.76 dB for a full-scale sine."""
    signal = np.sin(np.arange(100_000) * 0.7310585)
    step = 2 / 2**8
    assert parity.sqnr_db(signal, np.round(signal / step) * step) == pytest.approx(6.02 * 8 + 1.76, abs=0.1)


@pytest.mark.parametrize("measure", MEASURES)
@pytest.mark.parametrize(
    ("reference", "candidate", "message"),
    [
        (LOGITS, LOGITS[:3], "shapes differ"),
        (LOGITS, LOGITS[None], "shapes differ"),
        (LOGITS, np.where(LOGITS == 5.0, np.nan, LOGITS), "the candidate holds a value that is not finite"),
        (np.where(LOGITS == 5.0, np.inf, LOGITS), LOGITS, "the reference holds a value that is not finite"),
        (LOGITS[:0], LOGITS[:0], "nothing to compare"),
        (LOGITS.astype(str), LOGITS, "must hold real numbers"),
    ],
)
def test_measures_refuse(
    measure: Callable[[np.ndarray, np.ndarray], float], reference: np.ndarray, candidate: np.ndarray, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        measure(reference, candidate)
