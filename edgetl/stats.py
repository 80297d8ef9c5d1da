"""Statistics of repeated measurements and of counts: percentiles, intervals, stability.

Input: sequences of finite numbers, or counts. Output: plain numbers. Pure functions, standard library only: verdicts
must be computable where numpy is not installed, and the same input must give the same verdict everywhere.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

STDEV_SHARE_LIMIT = 0.10
"""Standard deviation over mean from which values count as unstable. Source: pyperf 2.x, `pyperf/_cli.py`,
`format_checks`."""

OUTLIER_SHARE_LIMIT = 0.50
"""Distance of the least or greatest value from the mean, over the mean, from which it counts as unstable. Source: as
above."""

MIN_VALUES = 36
"""Fewest values for a two-sided 95 % statement about a 90th percentile: with n values the greatest lies below the true
p90 with probability 0.9^n, and 36 is the least n with 0.9^n <= 0.025. Source: the order-statistic interval of a
quantile, Hahn and Meeker, "Statistical Intervals" (1991)."""

Interval = tuple[float, float]
"""Lower and upper end."""


def percentile(values: Sequence[float], q: float) -> float:
    """Value below which `q` per cent of the values lie, by linear interpolation between the two nearest.

    Args:
        values: at least one finite number, in any order.
        q: 0 to 100.

    Returns:
        The percentile, in the unit of the values.

    Raises:
        ValueError: no values, a non-finite value, or `q` outside 0 to 100.

    Source: definition 7 of Hyndman and Fan, "Sample quantiles in statistical packages" (1996); numpy's default method.
    """
    ordered = sorted(_finite(values))
    if not 0.0 <= q <= 100.0:
        raise ValueError(f"q is {q}; a percentile lies between 0 and 100.")
    rank = (len(ordered) - 1) * q / 100.0
    below = math.floor(rank)
    low, high = ordered[below], ordered[min(below + 1, len(ordered) - 1)]
    share = rank - below
    # from the nearer end, so that equal neighbours give exactly themselves and the result never leaves [low, high]
    return low + (high - low) * share if share < 0.5 else high - (high - low) * (1.0 - share)


def summarise(values: Sequence[float]) -> dict[str, float]:
    """Reduce raw values to the figures that reports print.

    Args:
        values: at least one finite number.

    Returns:
        `p50`, `p90`, `p99`, `mean` and `min`, in the unit of the values.

    Raises:
        ValueError: no values, or a non-finite value.
    """
    return {
        "p50": percentile(values, 50.0),
        "p90": percentile(values, 90.0),
        "p99": percentile(values, 99.0),
        "mean": _mean(values),
        "min": min(values),
    }


def wilson_interval(successes: float, n: float, confidence: float = 0.95) -> Interval:
    """Interval of a proportion; right near 0 and 1 and for small n, where the textbook (Wald) interval is not.

    Args:
        successes: number of successes, 0 to n; may be fractional when a sample size is being planned.
        n: number of trials, above 0.
        confidence: probability that the interval holds the true proportion, between 0 and 1.

    Returns:
        Lower and upper end, both within 0 and 1; holds `successes / n`.

    Raises:
        ValueError: counts that cannot be, or a confidence outside 0 to 1.

    Source: Wilson, "Probable inference, the law of succession, and statistical inference" (1927); recommended by Brown,
    Cai and DasGupta, "Interval estimation for a binomial proportion" (2001).
    """
    if not n > 0 or not 0 <= successes <= n:
        raise ValueError(f"{successes} successes of {n} trials cannot be.")
    z = _z(confidence)
    share, weight = successes / n, z * z / n
    centre = (share + weight / 2) / (1 + weight)
    half = z / (1 + weight) * math.sqrt(share * (1 - share) / n + weight / (4 * n))
    low = 0.0 if successes == 0 else max(0.0, min(centre - half, share))
    high = 1.0 if successes == n else min(1.0, max(centre + half, share))
    return low, high


def paired_difference_interval(only_first: float, only_second: float, n: float, confidence: float = 0.95) -> Interval:
    """Interval of the difference of two proportions measured on the same n subjects.

    Why Tango's: it inverts a score test, keeps its coverage with few discordant pairs, needs only the discordant
    counts, and has width with none at all: then it is ± z²/(n + z²).

    Args:
        only_first: subjects on which only the first succeeded; may be fractional when a sample size is being planned.
        only_second: subjects on which only the second succeeded.
        n: all subjects, above 0.
        confidence: probability that the interval holds the true difference, between 0 and 1.

    Returns:
        Lower and upper end of (proportion of the first - proportion of the second), within -1 and 1; holds
        `(only_first - only_second) / n`.

    Raises:
        ValueError: counts that cannot be, or a confidence outside 0 to 1.

    Source: Tango, "Equivalence test and confidence interval for the difference in proportions for the paired-sample
    design", Statistics in Medicine 17 (1998) 891-908; recommended by Fagerland, Lydersen and Laake, "Recommended
    tests and confidence intervals for paired binomial proportions", Statistics in Medicine 33 (2014) 2850-2875.
    """
    if not n > 0 or only_first < 0 or only_second < 0 or only_first + only_second > n * (1 + 1e-9):
        raise ValueError(f"{only_first} + {only_second} discordant pairs of {n} cannot be.")
    z = _z(confidence)
    estimate = (only_first - only_second) / n
    high = _tango_upper(only_first, only_second, n, z)
    low = -_tango_upper(only_second, only_first, n, z)
    return min(low, estimate), max(high, estimate)


def none_seen_bound(n: float, confidence: float = 0.95) -> float:
    """Largest proportion that is still compatible with seeing no success in n trials (one-sided, exact).

    Args:
        n: number of trials, at least 1; may be fractional when a sample size is being planned.
        confidence: probability that the true proportion lies below the bound.

    Returns:
        `1 - (1 - confidence)^(1/n)`; about 3/n at 95 %.

    Raises:
        ValueError: n below 1, or a confidence outside 0 to 1.

    Source: Hanley and Lippman-Hand, "If nothing goes wrong, is everything all right?" (1983), the rule of three.
    """
    if n < 1 or not 0.0 < confidence < 1.0:
        raise ValueError(f"n is {n} and confidence {confidence}; must be at least 1, and between 0 and 1.")
    return -math.expm1(math.log1p(-confidence) / n)


def trials_that_exclude(share: float, confidence: float = 0.95) -> float:
    """How many trials without a success exclude a proportion: the inverse of `none_seen_bound`.

    Args:
        share: the proportion, between 0 and 1.
        confidence: as there.

    Returns:
        Number of trials, fractional.
    """
    return math.log(1.0 - confidence) / math.log1p(-share)


def bootstrap_interval(
    values: Sequence[float],
    statistic: Callable[[Sequence[float]], float],
    seed: int,
    resamples: int = 1000,
    confidence: float = 0.95,
    block: int = 1,
) -> Interval:
    """Interval of any statistic, by drawing from the values with replacement (percentile bootstrap).

    Args:
        values: at least one finite number, in the order in which they were taken.
        statistic: what is computed of each resample, which has as many values as `values`.
        seed: makes the draw, and so the interval, repeatable.
        resamples: number of draws, at least 1; 1000 or more for a 95 % interval.
        confidence: share of the resamples' statistics that the interval holds.
        block: neighbours that are drawn together. 1 = independent values; more keeps the likeness of successive
            timings, which otherwise makes the interval too narrow.

    Returns:
        Lower and upper end, in the unit of the statistic.

    Raises:
        ValueError: no values, a non-finite value, or an argument out of range.

    Source: Efron and Tibshirani, "An Introduction to the Bootstrap" (1993), percentile method; blocks: Politis and
    Romano, "A circular block-resampling procedure for stationary data" (1992).
    """
    import random

    taken = _finite(values)
    if resamples < 1 or block < 1 or not 0.0 < confidence < 1.0:
        raise ValueError(f"resamples {resamples}, block {block}, confidence {confidence}: out of range.")
    size, draw = len(taken), random.Random(seed)
    ring = taken + taken[: min(block, size) - 1]
    blocks = [ring[start : start + block] for start in range(size)]
    count = -(-size // block)
    found = []
    for _ in range(resamples):
        resample = [value for chosen in draw.choices(blocks, k=count) for value in chosen]
        found.append(statistic(resample[:size]))
    tail = (1.0 - confidence) / 2.0 * 100.0
    return percentile(found, tail), percentile(found, 100.0 - tail)


def unstable(values: Sequence[float]) -> tuple[str, ...]:
    """Say why repeated values should not be trusted, if so.

    Args:
        values: at least one finite number, in the order in which they were taken.

    Returns:
        One phrase per reason; empty when the values are stable.

    Raises:
        ValueError: no values, or a non-finite value.

    Source: the checks of pyperf (`format_checks`), with its demand on the sample size replaced by `MIN_VALUES`.
    """
    taken = _finite(values)
    mean = _mean(taken)
    reasons = []
    if len(taken) < MIN_VALUES:
        reasons.append(f"{len(taken)} values are too few; take at least {MIN_VALUES}")
    if len(taken) > 1 and mean > 0.0:
        stdev = math.sqrt(math.fsum((value - mean) ** 2 for value in taken) / (len(taken) - 1))
        if stdev >= STDEV_SHARE_LIMIT * mean:
            reasons.append(f"the standard deviation is {stdev / mean:.0%} of the mean")
        for word, value in (("least", min(taken)), ("greatest", max(taken))):
            away = (value - mean) / mean
            if abs(away) >= OUTLIER_SHARE_LIMIT:
                reasons.append(f"the {word} value is {abs(away):.0%} {'above' if away > 0 else 'below'} the mean")
    return tuple(reasons)


def _tango_upper(only_first: float, only_second: float, n: float, z: float) -> float:
    """Root of "score statistic = -z" above the estimate, by bisection."""

    def excess(difference: float) -> float:
        """Score statistic of the hypothesis `difference`, plus z: falls as the difference rises."""
        b = -only_first - only_second + (2 * n - only_first + only_second) * difference
        c = -only_second * difference * (1 - difference)
        # the likelihood's maximum of P(only second), given the difference; the root's form that loses no digits
        root = math.sqrt(max(0.0, b * b - 8 * n * c))
        nuisance = (root - b) / (4 * n) if b <= 0 else (0.0 if c == 0 else -2 * c / (root + b))
        variance = n * (2 * nuisance + difference * (1 - difference))
        return (only_first - only_second - n * difference) + z * math.sqrt(max(0.0, variance))

    low, high = (only_first - only_second) / n, 1.0
    if low >= 1.0:
        return 1.0
    for _ in range(80):
        middle = (low + high) / 2
        if excess(middle) > 0.0:
            low = middle
        else:
            high = middle
    return high


def _z(confidence: float) -> float:
    """Two-sided normal quantile: 1.96 for 0.95."""
    from statistics import NormalDist

    if not 0.0 < confidence < 1.0:
        raise ValueError(f"confidence is {confidence}; it lies between 0 and 1.")
    return NormalDist().inv_cdf(0.5 + confidence / 2)


def _mean(values: Sequence[float]) -> float:
    return math.fsum(values) / len(values)


def _finite(values: Sequence[float]) -> list[float]:
    taken = [float(value) for value in values]
    if not taken:
        raise ValueError("there are no values.")
    if not all(map(math.isfinite, taken)):
        raise ValueError("a value is not finite.")
    return taken
