"""Xcode's Core ML performance report: `report.json` in the `.mlperf` folder that Xcode 14 and later export.

Apple does not document the file; its form is known from public programs that read such reports, and checked strictly for that
reason. The raw times are in seconds. Mind before publishing a ledger: the report also names the device's owner and serial number.
"""

from __future__ import annotations

from edgetl.logs._text import Field, json_object
from edgetl.reading import Reading, checked

TITLE = "report.json of the .mlperf folder that Xcode's Core ML performance report is exported to."
SOURCE = (
    "not documented by Apple; two public programs that read such reports (an operation analyser and a result importer, found as "
    "code excerpts of 2025 and 2026) agree on it; meaning of computeUnit: MLComputeUnits in Apple's Core ML documentation"
)

_UNITS = {0: "cpu", 1: "cpu+gpu", 2: "all", 3: "cpu+npu"}
"""MLComputeUnits: which processors Core ML was allowed to use."""


def recognises(head: str, name: str) -> bool:
    """See `LogModule.recognises`."""
    return head.lstrip().startswith("{") and '"computeUnit"' in head and ('"deviceInfo"' in head or '"deviceResults"' in head)


def read(text: str, where: str) -> tuple[Reading, ...]:
    """See `LogModule.read`."""
    report = Field(json_object(text, where), where)
    results, device = report["deviceResults"], report["deviceInfo"]
    unit = report["computeUnit"]
    if unit.whole not in _UNITS:
        raise unit.fault(f"is {unit.whole}; expected 0 (CPU), 1 (CPU and GPU), 2 (all) or 3 (CPU and Neural Engine).")
    metadata, version = report.get("modelMetadata"), device.get("osNameAndVersionWithoutBuildNumber")
    name = metadata.get("fileName") if metadata is not None else None
    load = results.get("load")
    loads = sorted(sample.number for sample in load["samples"].elements()) if load is not None else []
    reading = Reading(
        values_ms=tuple(sample.number * 1000 for sample in results["predict"]["samples"].elements()),
        load_ms=loads[len(loads) // 2] * 1000 if loads else None,
        runtime="coreml",
        runtime_version=version.text if version is not None else None,
        accelerator=_UNITS[unit.whole],
        device=device["modelName"].text,
        model=name.text if name is not None else None,
        notes=("accelerator: what Core ML was allowed to use",),
    )
    return (checked(reading, where),)
