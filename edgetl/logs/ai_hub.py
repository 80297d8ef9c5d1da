"""Qualcomm AI Hub Models: `perf.yaml`, one reading for each device, runtime and precision whose job passed.

Up to release 0.27 the file lists `models[].performance_metrics[]` with microseconds and bytes, from 0.28 on it nests
`precisions.<p>.components.<c>.performance_metrics.<device>.<runtime>` with milliseconds. Which statistic the service's "estimated
inference time" is, the file does not say.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from edgetl.errors import InputError
from edgetl.logs._text import Field
from edgetl.reading import Reading, Statistics, checked
from edgetl.yamlfile import parse_yaml

TITLE = "perf.yaml of Qualcomm AI Hub Models, both schemas; many devices a file."
SOURCE = "perf.yaml of qualcomm/ai-hub-models, releases 0.3 to 0.47"

_RUNTIMES = {
    "tflite": "tflite",
    "torchscript_onnx_tflite": "tflite",
    "onnx": "onnxruntime",
    "torchscript_onnx": "onnxruntime",
    "qnn": "qnn",
    "qnn_dlc": "qnn",
    "qnn_context_binary": "qnn",
    "torchscript_onnx_qnn": "qnn",
    "torchscript_qnn": "qnn",
}
"""The service's names of its targets; another keeps its own name."""
_BESIDES = ("reference_device_info", "timestamp")
"""Keys beside the runtimes in an entry of the older schema."""
_NOTE = "the service's estimated inference time, of a model that the service compiled"


def recognises(head: str, name: str) -> bool:
    """See `LogModule.recognises`."""
    layout = re.search(r"^(?:precisions|models|aggregated|supported_devices|supported_chipsets):", head, re.M)
    return bool(layout and re.search(r"^\s*(?:performance_metrics|supported_chipsets):", head, re.M))


def read(text: str, where: str) -> tuple[Reading, ...]:
    """See `LogModule.read`."""
    file = parse_yaml(text.encode(), where)
    root = Field(file.value, where)
    nested, listed = root.get("precisions"), root.get("models")
    if (nested is None) == (listed is None):
        raise InputError(f"{where}: expected 'precisions' or 'models' at the top. The file is damaged, or of another version.")
    found = tuple(_nested(nested) if nested is not None else _listed(root["models"]))
    if not found:
        raise InputError(f"{where}: holds no passed job that states an inference time.")
    return tuple(checked(reading, f"{where}: {reading.device}, {reading.runtime}") for reading in found)


def _nested(precisions: Field) -> Iterator[Reading]:
    for precision, content in precisions.items():
        for component, details in content["components"].items():
            metrics = details.get("performance_metrics")
            for device, runtimes in metrics.items() if metrics is not None else ():
                for runtime, job in runtimes.items():
                    if (time := _passed(job, "inference_time_milliseconds")) is None:
                        continue
                    versions = job.get("tool_versions")
                    stated = [f"{tool} {version.text}" for tool, version in versions.items()] if versions is not None else []
                    yield Reading(
                        statistics_ms=Statistics(unstated=time),
                        runtime=_RUNTIMES.get(runtime, runtime),
                        runtime_version="; ".join(stated) or None,
                        accelerator=_unit(job),
                        device=device,
                        model=component,
                        precision=precision,
                        notes=(_NOTE, f"job {job['job_id'].text}"),
                    )


def _listed(models: Field) -> Iterator[Reading]:
    for model in models.elements():
        for entry in model["performance_metrics"].elements():
            device, day = entry["reference_device_info"]["name"].text, entry["timestamp"]
            for runtime, job in entry.items():
                if runtime in _BESIDES or (time := _passed(job, "inference_time")) is None:
                    continue
                memory, precision = job.get("estimated_peak_memory_range"), job.get("precision")
                most = memory["max"].number if memory is not None else 0.0
                yield Reading(
                    statistics_ms=Statistics(unstated=time / 1000),
                    peak_memory_mib=most / 2**20 or None,
                    runtime=_RUNTIMES.get(runtime, runtime),
                    accelerator=_unit(job),
                    device=device,
                    model=model["name"].text,
                    precision=precision.text if precision is not None else None,
                    date=str(day.value)[:10],
                    notes=(_NOTE, f"job {job['job_id'].text}"),
                )


def _passed(job: Field, key: str) -> float | None:
    """The time of a job that passed; a failed or skipped one states none (`null`, or the text "null")."""
    status, time = job.get("job_status"), job.get(key)
    if status is None or status.text.lower() != "passed" or time is None or time.value == "null":
        return None
    return time.number


def _unit(job: Field) -> str | None:
    unit = job.get("primary_compute_unit")
    return None if unit is None or unit.value == "null" else unit.text.lower()
