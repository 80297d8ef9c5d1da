"""Times of several programs that take turns, and what their ratios are worth. Standard library and `edgetl.stats` only."""

from __future__ import annotations

import random
import statistics
import time
from collections.abc import Callable
from typing import Any

from edgetl.stats import bootstrap_interval

_WARMUP = 30
"""Untimed invocations of each before the first round."""
_SETTLE = 2
"""Untimed invocations at the start of each turn: the one before left the caches to somebody else's weights."""
_BLOCK = 4
"""Rounds that the bootstrap draws together: neighbours are alike when another job comes and goes."""


def take_turns(
    invokes: dict[str, Callable[[], None]],
    *,
    rounds: int,
    invocations: int,
    seed: int,
    clock: Callable[[], int] = time.perf_counter_ns,
) -> dict[str, list[list[float]]]:
    """Time functions in rounds; within a round each has one turn, in an order drawn anew.

    Args:
        invokes: name → what is timed.
        rounds: how many.
        invocations: timed calls a turn.
        seed: of the order.
        clock: nanoseconds.

    Returns:
        Name → per round, the times of its calls in ms.
    """
    draw, names = random.Random(seed), list(invokes)
    times: dict[str, list[list[float]]] = {name: [] for name in names}
    for name in names:
        for _ in range(_WARMUP):
            invokes[name]()
    for _ in range(rounds):
        draw.shuffle(names)
        for name in names:
            invoke, turn = invokes[name], []
            for _ in range(_SETTLE):
                invoke()
            for _ in range(invocations):
                begun = clock()
                invoke()
                turn.append((clock() - begun) / 1e6)
            times[name].append(turn)
    return times


def summarise(times: dict[str, list[list[float]]], references: dict[str, str], *, seed: int) -> dict[str, dict[str, Any]]:
    """Reduce the times to medians and to ratios with an interval.

    Args:
        times: from `take_turns`.
        references: name → the name it is compared with; names without one get no ratio.
        seed: of the bootstrap.

    Returns:
        Name → `p50_ms` (median of all calls), `turn_p50_ms` (one median a round), and with a reference `reference`, `ratio`
        (median over rounds of the ratio of the two medians of that round) and `ratio_low`, `ratio_high` (95 %, bootstrap over
        rounds).
    """
    medians = {name: [statistics.median(turn) for turn in turns] for name, turns in times.items()}
    found: dict[str, dict[str, Any]] = {}
    for name, turns in times.items():
        row: dict[str, Any] = {
            "p50_ms": statistics.median(value for turn in turns for value in turn),
            "turn_p50_ms": medians[name],
        }
        reference = references.get(name)
        if reference in medians:
            ratios = [own / other for own, other in zip(medians[name], medians[reference], strict=True)]
            low, high = bootstrap_interval(ratios, statistics.median, seed, block=_BLOCK)
            row.update(reference=reference, ratio=statistics.median(ratios), ratio_low=low, ratio_high=high)
        found[name] = row
    return found
