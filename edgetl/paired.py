"""Two answers to each of the same images: what the pairs say of the difference. Counts in, plain numbers out.

Only images that one of the two answers rightly and the other does not (discordant ones) tell them apart, so everything here
starts from two counts: `lost`, right by the checkpoint alone, and `won`, right by the artifact alone.

Two intervals of the drop are given. `drop_interval` (Tango's) decides gates; `bootstrap_interval` draws the images anew and is
shown beside it. From about ten discordant images on they agree; with fewer the bootstrap is too narrow, and with none it has no
width at all, which would pass any file on any number of images (tests/test_paired.py counts how often each holds the truth).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from edgetl.stats import Interval, none_seen_bound, paired_difference_interval, trials_that_exclude

RESAMPLES = 10_000
"""Of the bootstrap: its 2.5 % ends then move by less than a hundredth of its width from seed to seed."""
_LARGEST_SAMPLE = 10_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassCounts:
    """Images of one class, and how the two answered them."""

    name: str
    n: int
    """Images that have the class, at least 1."""
    lost: int
    """The checkpoint alone is right."""
    won: int
    """The artifact alone is right."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorstClass:
    """The largest drop of any class."""

    name: str
    """Class of the largest drop that was seen; of several the one of fewest images."""
    n: int
    """Its images."""
    drop: float
    """Of its share of right answers, -1 to 1."""
    interval: Interval
    """Holds the largest true drop of any class with 95 %."""
    classes: int
    """That were looked at."""


def drop_interval(lost: float, won: float, n: float, confidence: float = 0.95) -> Interval:
    """Interval of the drop in the share of right answers.

    Tango's, cut where none was seen: a drop is at most the share of images that are lost, at least minus the share that are won.

    Args:
        lost: images right by the checkpoint alone; may be fractional when a sample size is being planned.
        won: images right by the artifact alone.
        n: all images, at least 1.
        confidence: that the interval holds the true drop.

    Returns:
        Lower and upper end, -1 to 1.
    """
    low, high = paired_difference_interval(lost, won, n, confidence)
    bound = none_seen_bound(n, confidence)
    return (max(low, -bound) if won == 0 else low), (min(high, bound) if lost == 0 else high)


def bootstrap_interval(lost: int, won: int, n: int, seed: int = 0, confidence: float = 0.95) -> Interval:
    """Interval of the drop by drawing as many images with replacement (percentile bootstrap over pairs).

    Each image gives 1 (lost), -1 (won) or 0, so a draw of the images is a draw of these three counts, which is what is drawn.

    Args:
        lost: images right by the checkpoint alone.
        won: images right by the artifact alone.
        n: all images, at least 1.
        seed: makes the draw, and so the interval, repeatable.
        confidence: share of the draws that the interval holds.

    Returns:
        Lower and upper end; both are the drop itself when nothing was lost or won.

    Raises:
        ValueError: counts that cannot be.

    Source: Efron and Tibshirani, "An Introduction to the Bootstrap" (1993), chapter 13.
    """
    if n < 1 or min(lost, won) < 0 or lost + won > n:
        raise ValueError(f"{lost} + {won} discordant pairs of {n} cannot be.")
    import numpy as np

    draws = np.random.default_rng(seed).multinomial(n, (lost / n, won / n, (n - lost - won) / n), size=RESAMPLES)
    tail = (1.0 - confidence) / 2.0 * 100.0
    low, high = np.percentile((draws[:, 0] - draws[:, 1]) / n, (tail, 100.0 - tail))
    return float(low), float(high)


def mcnemar_p(lost: int, won: int) -> float:
    """Probability of so uneven a split of the discordant images if neither of the two were better: McNemar's exact test, mid-p.

    Why mid-p: the exact test is needlessly cautious with few pairs, the one by chi-squared is wrong with few.

    Args:
        lost: images right by the first alone.
        won: images right by the second alone.

    Returns:
        0 to 1, two-sided; 1 when there are none.

    Raises:
        ValueError: a negative count.

    Source: Fagerland, Lydersen and Laake, "The McNemar test for binary matched-pairs data: mid-p and asymptotic are better
    than exact conditional", BMC Medical Research Methodology 13:91 (2013).
    """
    if min(lost, won) < 0:
        raise ValueError(f"{lost} and {won} discordant pairs cannot be.")
    count, fewer = lost + won, min(lost, won)
    if lost == won:
        return 1.0
    term = below = 1  # binomial coefficients, as whole numbers
    for k in range(fewer):
        term = term * (count - k) // (k + 1)
        below += term
    return min(1.0, float((2 * below - term) / (1 << count)))


def worst_class(classes: Sequence[ClassCounts], confidence: float = 0.95, scale: float = 1.0) -> WorstClass | None:
    """Find the class that loses most, and an interval for the largest true drop.

    The largest of many drops is large by luck, so the interval is not that of the class found. Every class gets an interval of a
    confidence of 1 - (1 - confidence) / classes (Bonferroni's correction); all of them then hold together, and the largest true
    drop lies between the largest lower and the largest upper end. Bonferroni and not Šidák: it holds where images have several
    labels too, so that classes share images, and is wider by less than 1 %.

    Args:
        classes: counts of each class that has an image.
        confidence: that the interval holds.
        scale: times as many images of each class, in the same proportions; for planning.

    Returns:
        The worst class; None when there is no class.
    """
    if not classes:
        return None
    each = 1.0 - (1.0 - confidence) / len(classes)
    kinds = {(c.n, c.lost, c.won) for c in classes}
    intervals = [drop_interval(lost * scale, won * scale, n * scale, each) for n, lost, won in kinds]
    found = max(classes, key=lambda c: ((c.lost - c.won) / c.n, -c.n))
    return WorstClass(
        name=found.name,
        n=found.n,
        drop=(found.lost - found.won) / found.n,
        interval=(max(low for low, _ in intervals), max(high for _, high in intervals)),
        classes=len(classes),
    )


def images_to_resolve(lost: int, won: int, n: int, allowed: float) -> int | None:
    """Count the images it takes to show a drop of at most `allowed` of a file that loses nothing on balance.

    Args:
        lost: images right by the checkpoint alone.
        won: images right by the artifact alone; both together say how often the two differ.
        n: all images, at least 1.
        allowed: largest drop, 0 to 1.

    Returns:
        Images, to two significant digits, rounded up; None when no number would do.
    """
    if allowed <= 0.0:
        return None
    if allowed >= 1.0:
        return 1
    if lost + won == 0:
        return rounded_up(trials_that_exclude(allowed))
    each = (lost + won) / n / 2
    low, high = 1.0, 2.0
    while drop_interval(each * high, each * high, high)[1] > allowed:
        low, high = high, high * 2
        if high > _LARGEST_SAMPLE:
            return None
    while high - low > 0.005 * high:
        middle = (low + high) / 2
        low, high = (middle, high) if drop_interval(each * middle, each * middle, middle)[1] > allowed else (low, middle)
    return rounded_up(high)


def rounded_up(number: float) -> int:
    """Round up to two significant digits.

    Args:
        number: above 0.

    Returns:
        A whole number.
    """
    step: int = 10 ** max(0, math.floor(math.log10(max(number, 1.0))) - 1)
    return math.ceil(number / step) * step
