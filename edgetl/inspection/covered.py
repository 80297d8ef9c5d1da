"""What accelerators take of an inspected file: of one device, or all that can be asked here."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from edgetl import registry, versions
from edgetl.errors import InputError
from edgetl.inspection import ends
from edgetl.inspection.records import Finding, Inspection
from edgetl.types import to_json

_RULES = 8
"""Rules told of a delegate in a report."""


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


def of_device(path: Path, inspection: Inspection, device: str) -> tuple[list[dict[str, Any]], tuple[Finding, ...]]:
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
            try:
                reason = module.unavailable()
                told = {"reason": reason} if reason else to_json(_base.coverage(name, module, path, facts.graph))
            except InputError as error:  # a file that the delegate's runtime does not load
                told = {"reason": str(error)}
            rows.append({"delegate": name, **told})
    return rows, tuple(found)
