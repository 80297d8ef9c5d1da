"""What an epoch learns from, dealt in batches whose order follows from a seed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np

from edgetl.nn.inference import Rows


@dataclass(frozen=True, slots=True, kw_only=True)
class Examples:
    """What one epoch learns from."""

    inputs: Rows
    """(N, …): pixels or kept features."""
    labels: np.ndarray
    """int64 (N,); -1 where there is none."""
    importance: np.ndarray | None = None
    """float32 (N,), how much each counts; None = all the same."""


def batches(examples: Examples, size: int, seed: Sequence[int], *, ahead: bool = True) -> Iterator[tuple[Any, Any, Any]]:
    """Yield the examples in batches, in an order drawn from `seed`.

    Args:
        examples: the examples.
        size: of a batch; the last may be smaller.
        seed: of the order.
        ahead: read the next one while the last one is learned.

    Yields:
        Inputs, int64 labels and float32 importance of one batch.
    """
    count = len(examples.labels)
    order = np.random.default_rng(tuple(seed)).permutation(count)
    ones = np.ones(size, np.float32)

    def read(first: int) -> tuple[Any, Any, Any]:
        rows = np.sort(order[first : first + size])
        importance = ones[: len(rows)] if examples.importance is None else examples.importance[rows]
        return examples.inputs[rows], examples.labels[rows], importance

    if not ahead:
        yield from map(read, range(0, count, size))
        return
    with ThreadPoolExecutor(1) as pool:
        coming = pool.submit(read, 0)
        for first in range(size, count + size, size):
            batch = coming.result()
            if first < count:
                coming = pool.submit(read, first)
            yield batch
