"""onnxruntime's own lists of what its mobile execution providers take, as its usability checker reads them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from edgetl.delegates._base import Leaving, leave
from edgetl.errors import InputError

if TYPE_CHECKING:
    from edgetl.graphs._base import GraphFacts


def leaves(path: Path, facts: GraphFacts, table: str, provider: str, free: str, most_sides: int = 999) -> tuple[Leaving, ...]:
    """Ask onnxruntime's usability checker which nodes a provider takes.

    Args:
        path: an `.onnx`, optimised as `_as_run` does.
        facts: one operator for each of its nodes.
        table: the provider's list, a file in `onnxruntime.tools.mobile_helpers`.
        provider: as a person calls it.
        free: what it does with free shapes, in a few words; the checker counts none of them as taken.
        most_sides: dimensions of the largest tensor that it takes.

    Returns:
        Operators that leave.

    Raises:
        InputError: the file is damaged, or onnxruntime no longer has the list.
    """
    import onnx
    from google.protobuf.message import DecodeError

    from edgetl.packages import version
    from edgetl.quiet import quiet

    with quiet():
        from onnxruntime.tools.mobile_helpers import usability_checker
    listed = Path(usability_checker.__file__).parent / table
    if not listed.is_file():
        raise InputError(f"{provider}: this onnxruntime does not bring {table}. Install the version of constraints.txt.")
    known = usability_checker._SupportedOpsChecker(listed)
    source = f"onnxruntime {version('onnxruntime')}, onnxruntime.tools.mobile_helpers, {table}"
    try:
        model = onnx.load_model_from_string(path.read_bytes())
        graph = onnx.shape_inference.infer_shapes(model, strict_mode=True).graph
        found = usability_checker.check_partitioning(graph, known, True, most_sides)
    except (DecodeError, OSError, ValueError, RuntimeError, onnx.shape_inference.InferenceError) as error:
        told = " ".join(str(error).split())[:160]
        raise InputError(f"{path.name}: onnxruntime's checker cannot read it: {told}.") from error
    nodes = list(graph.node)
    stays = {id(node) for group in found.supported_groups for node in group}
    stored = {tensor.name for tensor in graph.initializer}
    open_ends = [
        v.name for v in graph.input if v.name not in stored and any(not d.dim_value for d in v.type.tensor_type.shape.dim)
    ]
    shapes = (
        f"the input {open_ends[0]} has a free dimension" if open_ends else "the shape of what it reads is not known beforehand"
    )
    sides = {v.name: len(v.type.tensor_type.shape.dim) for v in (*graph.input, *graph.value_info, *graph.output)}
    gone = []
    for place, node in enumerate(nodes):
        if id(node) in stays:
            continue
        if not known.is_op_supported(node):
            rule = f"{node.op_type} is not among the operators of {provider}."
        elif any(sides.get(name, 0) > most_sides for name in node.input):
            rule = f"{provider} takes tensors of at most {most_sides} dimensions."
        else:
            rule = f"{provider} {free}; {shapes}."
        gone.append(leave(facts, place, rule, source))
    return tuple(gone)
