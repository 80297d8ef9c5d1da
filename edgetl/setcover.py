"""Exact set cover: the fewest columns that cover every row, ties in a total order. Pure.

Branch and bound over bitsets. Rows that share no column each need one of their own, so such rows bound the number of columns and
their cost from below.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One thing that may be chosen."""

    name: str
    """Unique; the smaller one wins where all else is equal."""
    rows: frozenset[int]
    """What it covers."""
    cost: int
    """At least 0; the sum over those chosen is to be small."""
    worth: float
    """The larger one wins where number and cost are equal."""

    @property
    def rank(self) -> tuple[int, float, str]:
        """Smaller is better: cost, worth, name."""
        return self.cost, -self.worth, self.name


Score = tuple[int, int, tuple[float, ...], tuple[str, ...]]


def score(chosen: Sequence[Column]) -> Score:
    """Order covers; the smallest is best.

    Args:
        chosen: columns.

    Returns:
        Their number; the sum of their costs; their worths from the least on, negated; their names.
    """
    worths = sorted(column.worth for column in chosen)
    return (
        len(chosen),
        sum(column.cost for column in chosen),
        tuple(-worth for worth in worths),
        tuple(sorted(column.name for column in chosen)),
    )


def fewest(columns: Sequence[Column]) -> tuple[Column, ...]:
    """Cover every row that any column covers.

    Args:
        columns: any number, no two of one name.

    Returns:
        The cover of the least `score`, by name; empty when nothing is to be covered.
    """
    useful = _undominated([column for column in columns if column.rows])
    bits = {column.name: sum(1 << row for row in column.rows) for column in useful}
    wanted = 0
    for mask in bits.values():
        wanted |= mask
    best: tuple[Score, tuple[Column, ...]] | None = None

    def covering(row: int) -> list[Column]:
        return [column for column in useful if bits[column.name] >> row & 1]

    by_row = {row: covering(row) for row in _rows(wanted)}

    def search(left: int, chosen: tuple[Column, ...], cost: int) -> None:
        nonlocal best
        if not left:
            found = score(chosen)
            if best is None or found < best[0]:
                best = found, chosen
            return
        rows = sorted(_rows(left), key=lambda row: (len(by_row[row]), row))
        touched, number, least = 0, len(chosen), cost
        for row in rows:
            if not touched >> row & 1:
                number, least = number + 1, least + by_row[row][0].cost
                for column in by_row[row]:
                    touched |= bits[column.name]
        if best is not None and (number, least) > best[0][:2]:
            return
        for column in by_row[rows[0]]:
            search(left & ~bits[column.name], (*chosen, column), cost + column.cost)

    search(wanted, (), 0)
    return () if best is None else tuple(sorted(best[1], key=lambda column: column.name))


def _undominated(columns: Sequence[Column]) -> list[Column]:
    """Leave out what a better-ranked column covers whole: in a best cover, that one could stand in its place. Best first."""
    kept: list[Column] = []
    for column in sorted(columns, key=lambda column: column.rank):
        if not any(column.rows <= other.rows for other in kept):
            kept.append(column)
    return kept


def _rows(mask: int) -> Iterator[int]:
    while mask:
        low = mask & -mask
        yield low.bit_length() - 1
        mask ^= low
