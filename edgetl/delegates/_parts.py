"""Into how many parts falls what an accelerator takes of a file."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from edgetl.graphs._base import GraphFacts


def partitions(facts: GraphFacts, gone: set[int]) -> int:
    """Count the parts into which what stays falls.

    Why: a delegate takes as many operators at once as it can before something that it waits for runs elsewhere; so operators are
    dealt in turns, all that can run of one kind and then all of the other, as TFLite and onnxruntime deal them.

    Args:
        facts: operators of a file, in an order in which they can be run.
        gone: places of those that leave.

    Returns:
        How many parts; 0 when nothing stays.
    """
    makers = {name: place for place, operator in enumerate(facts.operators) for name in operator.makes}
    waits = [{makers[n] for n in o.reads if n in makers and makers[n] != p} for p, o in enumerate(facts.operators)]
    left, done, count = list(range(len(facts.operators))), set[int](), 0
    staying = 0 not in gone
    while left:
        taken, rest = 0, []
        for place in left:
            if (place not in gone) == staying and waits[place] <= done:
                done.add(place)
                taken += 1
            else:
                rest.append(place)
        count += staying and taken > 0
        if not taken and left == rest and not any(waits[place] <= done for place in left):
            break  # a damaged graph that waits for itself
        left, staying = rest, not staying
    return int(count)
