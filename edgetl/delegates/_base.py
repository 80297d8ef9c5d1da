"""What a delegate module must define, and what follows from its answer: work that stays, and into how many parts it falls."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from edgetl.delegates import _parts

if TYPE_CHECKING:
    from edgetl.devices import DeviceProfile
    from edgetl.graphs._base import GraphFacts


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaving:
    """One operator that an accelerator does not take."""

    place: int
    """Among the operators of the file's facts."""
    operator: str
    """Its name in the file."""
    type: str
    rule: str
    """Why, in one sentence."""
    source: str
    """Where that is written, or who was asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """How much of a file an accelerator takes."""

    delegate: str
    operators: int
    leaving: tuple[Leaving, ...]
    mac_share: float | None
    """Share of the multiply-accumulates that stay, 0 to 1; None where the file has none."""
    partitions: int
    """Parts that stay: between them, values go to the CPU and back."""
    unchecked: str
    """What the rules do not say."""


class DelegateModule(Protocol):
    """The names a module in this folder defines. Constants are read-only."""

    @property
    def TITLE(self) -> str:
        """One line for `edgetl list`."""

    @property
    def FORMATS(self) -> tuple[str, ...]:
        """Formats whose files it is given."""

    @property
    def UNCHECKED(self) -> str:
        """What its rules do not say, in one sentence."""

    def unavailable(self) -> str | None:
        """None, or why it cannot be asked here and what would help. Never raises."""

    def serves(self, profile: DeviceProfile) -> bool:
        """Whether an app on that device can use it."""

    def leaves(self, path: Path, facts: GraphFacts) -> tuple[Leaving, ...]:
        """Operators that leave the accelerator, in the order of the file; raises InputError when it cannot read the file.

        An ONNX file and its facts are given as `_as_run` makes them.
        """


def coverage(name: str, module: DelegateModule, path: Path, facts: GraphFacts) -> Coverage:
    """Ask a delegate about a file and sum its answer up.

    Args:
        name: of the delegate.
        module: the delegate.
        path: the file.
        facts: its operators.

    Returns:
        The coverage; of an ONNX file, of the nodes that onnxruntime is left with after basic optimisation.

    Raises:
        InputError: the delegate cannot read the file.
    """
    if facts.format == "onnx":
        from edgetl.delegates._as_run import as_run

        with as_run(path) as (optimised, nodes):
            return _summed(name, module, nodes, module.leaves(optimised, nodes))
    return _summed(name, module, facts, module.leaves(path, facts))


def _summed(name: str, module: DelegateModule, facts: GraphFacts, leaving: tuple[Leaving, ...]) -> Coverage:
    gone = {one.place for one in leaving}
    stays = [operator.macs for place, operator in enumerate(facts.operators) if place not in gone]
    return Coverage(
        delegate=name,
        operators=len(facts.operators),
        leaving=leaving,
        mac_share=sum(stays) / facts.macs if facts.macs else None,
        partitions=_parts.partitions(facts, gone),
        unchecked=module.UNCHECKED,
    )


def all_of(facts: GraphFacts, rule: str, source: str) -> tuple[Leaving, ...]:
    """Say that a whole file leaves, for one reason."""
    return tuple(leave(facts, place, rule, source) for place in range(len(facts.operators)))


def leave(facts: GraphFacts, place: int, rule: str, source: str) -> Leaving:
    """Say that one operator leaves."""
    operator = facts.operators[place]
    return Leaving(place=place, operator=operator.name, type=operator.type, rule=rule, source=source)


def missing(*packages: str) -> str | None:
    """Say which packages cannot be imported, without importing them; None when all can."""
    import importlib.util

    absent = [package for package in packages if importlib.util.find_spec(package) is None]
    return f"{', '.join(absent)} not installed; pip install edgetl brings it." if absent else None


def types(operators: Sequence[Leaving]) -> dict[str, int]:
    """Count what leaves by its type, most first."""
    from collections import Counter

    return dict(Counter(one.type for one in operators).most_common())
