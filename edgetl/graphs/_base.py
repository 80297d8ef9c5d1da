"""Operators of a file with what they cost, in terms that all formats share."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

Arithmetic = Literal["int8", "int16", "hybrid", "float32", "float16", "other"]
"""What an operator computes in. `hybrid`: integer weights, activations that are floating point outside of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatorFacts:
    """One operator and what it costs for one image. Sizes in bytes."""

    name: str
    """In the file; its output's name where operators have none."""
    type: str
    """The format's own name: `CONV_2D`, `Conv`, `conv`."""
    macs: int
    """Multiply-accumulates; 0 for what does none."""
    weight_bytes: int
    """Constants that it reads, as the file stores them."""
    input_bytes: int
    """Activations that it reads."""
    output_bytes: int
    arithmetic: Arithmetic
    inputs: tuple[tuple[int, ...], ...]
    """Shapes of the activations that it reads; a free dimension counts as 1."""
    outputs: tuple[tuple[int, ...], ...]
    kernel: tuple[int, ...] = ()
    """Shape of its weights in the format's own order; () where it has none."""
    kernel_type: str = ""
    """How its weights are stored: numpy's name of the type, `palette` or `sparse`; "" where they are no constant."""
    kernel_scales: int = 0
    """Quantization steps of its weights: 1 for the whole kernel, more for one a channel, 0 for none."""
    reads: tuple[str, ...] = ()
    """Activations that it reads, each by a name that is its own in the file."""
    makes: tuple[str, ...] = ()

    @property
    def quantized(self) -> bool:
        """Whether it computes in integers."""
        return self.arithmetic in ("int8", "int16")


@dataclass(frozen=True, slots=True, kw_only=True)
class TypeFacts:
    """All operators of one type."""

    type: str
    count: int
    quantized: int
    """How many of them compute in integers."""
    macs: int
    weight_bytes: int
    input_bytes: int
    output_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class GraphFacts:
    """What a file is made of."""

    format: str
    file_bytes: int
    operators: tuple[OperatorFacts, ...]
    """In an order in which they can be run."""

    @property
    def macs(self) -> int:
        """Multiply-accumulates of one image."""
        return sum(operator.macs for operator in self.operators)

    @property
    def int8_mac_share(self) -> float | None:
        """Share of the multiply-accumulates that are done in integers; None where there are none at all."""
        return sum(o.macs for o in self.operators if o.quantized) / self.macs if self.macs else None

    def by_type(self) -> tuple[TypeFacts, ...]:
        """Add the operators of each type up, those with most multiply-accumulates first, then those with most traffic."""
        groups: dict[str, list[OperatorFacts]] = {}
        for operator in self.operators:
            groups.setdefault(operator.type, []).append(operator)
        found = [
            TypeFacts(
                type=kind,
                count=len(members),
                quantized=sum(member.quantized for member in members),
                macs=sum(member.macs for member in members),
                weight_bytes=sum(member.weight_bytes for member in members),
                input_bytes=sum(member.input_bytes for member in members),
                output_bytes=sum(member.output_bytes for member in members),
            )
            for kind, members in groups.items()
        ]
        return tuple(sorted(found, key=lambda f: (-f.macs, -(f.input_bytes + f.output_bytes), f.type)))


class GraphModule(Protocol):
    """The names a module in this folder defines. Constants are read-only."""

    @property
    def TITLE(self) -> str:
        """One line for `edgetl list`."""

    @property
    def SUFFIX(self) -> str:
        """How its files' names end."""

    def read(self, path: Path) -> GraphFacts:
        """Read a file; raises InputError when it is not one, or damaged."""


def file_bytes(path: Path) -> int:
    """Size of a file, or of a folder's files together.

    Args:
        path: file or folder.

    Returns:
        Bytes.
    """
    return sum(part.stat().st_size for part in _files(path))


def _files(path: Path) -> Iterable[Path]:
    return (part for part in path.rglob("*") if part.is_file()) if path.is_dir() else (path,)
