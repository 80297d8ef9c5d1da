"""An ONNX file as onnxruntime gives it to its providers: after basic optimisation, node by node, as its checker counts."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from edgetl.errors import ConversionError, InputError
from edgetl.graphs._base import GraphFacts, OperatorFacts


@contextmanager
def as_run(path: Path) -> Iterator[tuple[Path, GraphFacts]]:
    """Optimise a file as onnxruntime does before any provider is asked.

    Args:
        path: an `.onnx`.

    Yields:
        A file of the optimised graph, there while the block runs; one operator for each of its nodes, quantize and dequantize
        nodes too, in their order.

    Raises:
        InputError: the file is damaged, or onnxruntime does not load it.
    """
    from edgetl.grid import fused

    try:
        with fused.optimised(path, "BASIC") as made:
            yield made, _nodes(made)
    except ConversionError as error:
        raise InputError(f"{path.name}: {' '.join(str(error).split())[:300]}") from error


def _nodes(path: Path) -> GraphFacts:
    import onnx

    from edgetl import registry

    facts: GraphFacts = registry.load("graphs", "onnx").read(path)
    counted, place = facts.operators, 0
    found = []
    for node in onnx.load_model_from_string(path.read_bytes()).graph.node:
        name, kind = node.name or (node.output[0] if node.output else ""), node.op_type
        operator = OperatorFacts(
            name=name,
            type=kind,
            macs=0,
            weight_bytes=0,
            input_bytes=0,
            output_bytes=0,
            arithmetic="float32",
            inputs=(),
            outputs=(),
        )  # of a node that the graph's reader counts into another
        if place < len(counted) and (counted[place].name, counted[place].type) == (name, kind):
            operator, place = counted[place], place + 1
        found.append(replace(operator, reads=tuple(filter(None, node.input)), makes=tuple(filter(None, node.output))))
    return replace(facts, operators=tuple(found))
