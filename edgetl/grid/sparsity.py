"""Are the zeros, and the few distinct values, that a scheme promises really in the file?"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Literal

from edgetl import registry
from edgetl.errors import ConversionError
from edgetl.grid.graph import WEIGHTED, Graph

if TYPE_CHECKING:
    import numpy as np

SMALLEST = 1024
"""Weights of the smallest kernel that is held to a constraint; as in `edgetl.nn.constraints`."""

_SHOWN = 4

Kernels = dict[str, "np.ndarray"]
"""Name → kernel, the output channel first and the input channel last: OHWI of a convolution, (out, in) of a dense layer."""
Kind = Literal["convolution", "depthwise", "dense"]


def kernels(graph: Graph) -> Kernels:
    """Find the kernels of a TFLite file that a constraint holds.

    Args:
        graph: a network with int8 or float weights.

    Returns:
        Operator's stem → kernel.
    """
    kinds: dict[str, Kind] = dict(zip(WEIGHTED, ("convolution", "depthwise", "dense"), strict=True))
    weighted = [(i, operator) for i, operator in enumerate(graph.operators) if operator.kind in WEIGHTED]
    return held([(graph.stem(i), kinds[o.kind], graph.tensors[o.inputs[1]].data) for i, o in weighted])


def held(layers: Sequence[tuple[str, Kind, np.ndarray | None]]) -> Kernels:
    """Leave out what no constraint holds: depthwise kernels, the first convolution's, the last layer's, small ones.

    Args:
        layers: name, kind and kernel of all layers with weights, in order; None for a kernel that is computed.

    Returns:
        Name → kernel of the others.
    """
    alone = {*[name for name, kind, _ in layers if kind == "convolution"][:1], layers[-1][0]} if layers else set()
    return {
        name: kernel
        for name, kind, kernel in layers
        if name not in alone and kind != "depthwise" and kernel is not None and kernel.size >= SMALLEST
    }


def check(scheme: str, found: Kernels) -> tuple[list[str], tuple[str, ...]]:
    """Hold kernels against what their scheme promises (`ZEROS`, `ZEROS_OF_FOUR`, `VALUES` of its module).

    Args:
        scheme: what the file claims to be.
        found: its kernels.

    Returns:
        One sentence for each kernel that breaks the promise, and notes on what was found; both empty when nothing is promised.
    """
    import numpy as np

    zeros, of_four, values = _promises(scheme)
    if zeros is None and of_four is None and values is None:
        return [], ()
    wrong, notes = [], []
    if zeros is not None:
        shares = {name: float(np.mean(kernel == 0)) for name, kernel in found.items()}
        wrong += [f"{name} has {share:.1%} zeros, not {zeros:.0%}" for name, share in shares.items() if share < zeros]
        total = sum(kernel.size for kernel in found.values())
        exact = sum(shares[name] * kernel.size for name, kernel in found.items())
        notes.append(f"{exact / max(total, 1):.1%} zeros in {len(found)} kernels")
    if of_four is not None:
        able = {name: kernel for name, kernel in found.items() if kernel.shape[-1] % 4 == 0}
        for name, kernel in able.items():
            broken = int(np.sum(np.sum(kernel.reshape(-1, 4) == 0, axis=1) < of_four))
            if broken:
                wrong.append(f"{name} has {broken} groups of four with fewer than {of_four} zeros")
        dense = [name for name in found if name not in able]
        notes.append(f"{of_four} of four zero in {len(able)} kernels" + (f", not in {', '.join(dense)}" if dense else ""))
    if values is not None:
        counts = {name: distinct(kernel) for name, kernel in found.items()}
        wrong += [f"{name} has {count} values in a channel, not {values}" for name, count in counts.items() if count > values]
        notes.append(f"at most {max(counts.values(), default=0)} values in a channel of {len(found)} kernels")
    if not found:
        wrong.append(f"it has no kernel of {SMALLEST} weights or more that could obey")
    return wrong, tuple(notes)


def _promises(scheme: str) -> tuple[float | None, int | None, int | None]:
    module = registry.load("schemes", scheme)
    return getattr(module, "ZEROS", None), getattr(module, "ZEROS_OF_FOUR", None), getattr(module, "VALUES", None)


def insist(scheme: str, read: Callable[[], Kernels], name: str) -> tuple[str, ...]:
    """Refuse a float file whose kernels break their scheme's promise.

    Args:
        scheme: what the file claims to be.
        read: gives its kernels; called when the scheme promises something.
        name: of the file, for the error.

    Returns:
        Notes on what was found.

    Raises:
        ConversionError: a kernel breaks the promise.
    """
    if _promises(scheme) == (None, None, None):
        return ()
    wrong, notes = check(scheme, read())
    if wrong:
        more = f"; and {len(wrong) - _SHOWN} more" if len(wrong) > _SHOWN else ""
        raise ConversionError(f"{name}: is not what {scheme} says: {'; '.join(wrong[:_SHOWN])}{more}.")
    return notes


def distinct(kernel: np.ndarray) -> int:
    """Count the values of the output channel that has the most distinct ones.

    Args:
        kernel: int8 or float, the output channel first.

    Returns:
        The count; 0 and -0 are one value.
    """
    import numpy as np

    ordered = np.sort(kernel.reshape(kernel.shape[0], -1), axis=1)
    return int(np.max(np.sum(np.diff(ordered, axis=1) != 0, axis=1))) + 1
