"""An inspection as plain JSON values; what `edgetl inspect --json` prints and its tables are drawn from."""

from __future__ import annotations

from collections import Counter
from typing import Any

from edgetl.inspection import ends, islands
from edgetl.inspection.records import Inspection
from edgetl.types import to_json

_MOST = 200
"""Names listed of anything that a file may hold any number of."""


def record(inspection: Inspection, *, operators: bool = False) -> dict[str, Any]:
    """Turn an inspection into plain values.

    Args:
        inspection: what was found.
        operators: list every operator.

    Returns:
        One level of facts, `asked`, `findings` and, if wished, `operators`.
    """
    facts, graph = inspection.facts, inspection.facts.graph
    kernels = [graph.operators[place] for place in facts.weighted]
    found: dict[str, Any] = {
        "schema": 1,
        "file": inspection.name,
        "format": graph.format,
        "file_bytes": graph.file_bytes,
        "macs": graph.macs,
        "int8_mac_share": graph.int8_mac_share,
        "weight_bytes": sum(operator.weight_bytes for operator in graph.operators),
        "operator_count": len(graph.operators),
        "inputs": to_json(facts.inputs),
        "outputs": to_json(facts.outputs),
        "kernels": {
            "stored": dict(Counter(operator.kernel_type for operator in kernels).most_common()),
            "per_channel": sum(operator.kernel_scales > 1 for operator in kernels),
            "per_tensor": sum(operator.kernel_scales == 1 for operator in kernels),
        },
        "islands": [operator.name for operator in islands.find(graph.operators)][:_MOST],
        "activations": list(facts.activations),
        "runs": facts.runs,
        "custom": list(facts.custom)[:_MOST],
        "producer": facts.producer,
        "versions": facts.versions,
        "needs": ends.minimum(facts),
        "metadata": facts.metadata,
        "duplicates": [list(group[:_MOST]) for group in facts.duplicates[:_MOST]],
        "outside": dict(list(facts.outside.items())[:_MOST]),
        "duplicate_bytes": facts.duplicate_bytes,
        "asked": {key: value for key, value in to_json(inspection.asked).items() if value},
        "findings": to_json(inspection.findings),
        "types": to_json(graph.by_type()),
    }
    return {**found, **({"operators": to_json(graph.operators)} if operators else {})}
