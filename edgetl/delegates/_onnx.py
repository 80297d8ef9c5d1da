"""onnxruntime's own lists of what its mobile execution providers take, as its usability checker reads them."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from edgetl.delegates._base import Leaving, all_of, leave
from edgetl.errors import InputError

if TYPE_CHECKING:
    from edgetl.graphs._base import GraphFacts


def leaves(path: Path, facts: GraphFacts, table: str, provider: str, *, fixed: bool) -> tuple[Leaving, ...]:
    """Hold a file against a provider's list.

    Args:
        path: an `.onnx`.
        facts: its operators.
        table: the list's file in `onnxruntime.tools.mobile_helpers`.
        provider: as a person calls it.
        fixed: whether the provider takes fixed shapes only.

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
    checker = usability_checker._SupportedOpsChecker(listed)
    source = f"onnxruntime {version('onnxruntime')}, onnxruntime.tools.mobile_helpers, {table}"
    try:
        graph = onnx.load_model_from_string(path.read_bytes()).graph
    except (DecodeError, OSError) as error:
        raise InputError(f"{path.name}: is not an ONNX file, or is damaged: {error}.") from error
    stored = {tensor.name for tensor in graph.initializer}
    free = [v.name for v in graph.input if v.name not in stored and any(not d.dim_value for d in v.type.tensor_type.shape.dim)]
    if fixed and free:
        return all_of(facts, f"{provider} takes fixed shapes only; the input {free[0]} has a free dimension.", source)
    domains = {node.name or (node.output[0] if node.output else ""): node.domain for node in graph.node}

    def taken(domain: str, kind: str) -> bool:
        node: Any = SimpleNamespace(domain=domain, op_type=kind)
        return bool(checker.is_op_supported(node))

    around = taken("", "QuantizeLinear") and taken("", "DequantizeLinear")
    found = []
    for place, operator in enumerate(facts.operators):
        if not taken(domains.get(operator.name, ""), operator.type):
            found.append(leave(facts, place, f"{operator.type} is not among the operators of {provider}.", source))
        elif (operator.quantized or operator.arithmetic == "hybrid") and not around:
            rule = f"{provider} takes no QuantizeLinear and DequantizeLinear, which stand around it."
            found.append(leave(facts, place, rule, source))
    return tuple(found)
