"""An inspection as plain JSON values; what `edgetl inspect --json` prints and its tables are drawn from."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

from edgetl import registry
from edgetl.inspection import ends, islands
from edgetl.inspection.records import Finding, Inspection
from edgetl.types import to_json

_RULES = 8
"""Rules told of a delegate in a report."""
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
        "duplicate_bytes": facts.duplicate_bytes,
        "asked": {key: value for key, value in to_json(inspection.asked).items() if value},
        "findings": to_json(inspection.findings),
        "types": to_json(graph.by_type()),
    }
    return {**found, **({"operators": to_json(graph.operators)} if operators else {})}


def taken(path: Path, inspection: Inspection) -> list[dict[str, Any]]:
    """Say briefly what every delegate takes of a file, whatever the device.

    Args:
        path: the file.
        inspection: of it.

    Returns:
        For each delegate of this format that can be asked here: `delegate`, `operators`, `leaving` (types and how many), `rules`
        (each with its source), `mac_share`, `partitions`.
    """
    from edgetl.delegates import _base

    graph, found = inspection.facts.graph, []
    for name in registry.names("delegates"):
        module = registry.load("delegates", name)
        if graph.format in module.FORMATS and module.unavailable() is None:
            covered = _base.coverage(name, module, path, graph)
            found.append(
                {
                    "delegate": name,
                    "operators": covered.operators,
                    "leaving": _base.types(covered.leaving),
                    "rules": sorted({f"{one.rule} [{one.source}]" for one in covered.leaving})[:_RULES],
                    "mac_share": covered.mac_share,
                    "partitions": covered.partitions,
                }
            )
    return found


def coverage(path: Path, inspection: Inspection, device: str) -> tuple[list[dict[str, Any]], tuple[Finding, ...]]:
    """Say what a device's accelerators take of a file, and whether its system loads it.

    Args:
        path: the file.
        inspection: of it.
        device: name or path of a profile.

    Returns:
        One row for each delegate that the device can use and that takes this format; findings about the device.

    Raises:
        InputError: there is no such device, or its profile does not hold.
    """
    from edgetl.delegates import _base
    from edgetl.devices import load_device
    from edgetl.inspection import versions

    profile = load_device(device, "--device")
    facts = inspection.facts
    form = facts.graph.format
    found: list[Finding] = []
    if form != "keras" and form not in profile.format_names:
        message = f"{profile.title} loads {', '.join(profile.format_names)}, not {form}."
        found.append(Finding(rule="device", level="error", where="the file", message=message, remedy="Convert to one of these."))
    least = ends.minimum(facts).get("macos" if profile.os.family == "macos" else "ios")
    sold = versions.number(profile.os.released)
    if least and sold and profile.os.family in ("ios", "macos") and versions.number(least) > sold:
        message = f"needs {profile.os.family} {least}; {profile.title} was sold with {profile.os.released}."
        remedy = "Say so to those who have not updated, or convert for the older system."
        found.append(Finding(rule="device", level="warning", where="the file", message=message, remedy=remedy))
    rows = []
    for name in registry.names("delegates"):
        module = registry.load("delegates", name)
        if form in module.FORMATS and module.serves(profile):
            reason = module.unavailable()
            told = {"reason": reason} if reason else to_json(_base.coverage(name, module, path, facts.graph))
            rows.append({"delegate": name, **told})
    return rows, tuple(found)
