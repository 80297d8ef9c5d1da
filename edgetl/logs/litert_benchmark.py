"""litert-benchmark, which comes with ai-edge-litert: the JSON that it writes with `--result_json`.

Its figures are rounded to 0.01 ms and 0.01 MiB. With an accelerator and the CPU behind it, a model that was not accelerated as a
whole may have run anywhere; such a log is refused.
"""

from __future__ import annotations

import posixpath

from edgetl.errors import InputError
from edgetl.logs._text import Field, json_object
from edgetl.reading import Reading, Statistics, checked

TITLE = "JSON of litert-benchmark (`--result_json`), which comes with ai-edge-litert."
SOURCE = "ai_edge_litert/tools/benchmark_litert_model.py of ai-edge-litert 2.3.0"

_MIB = 2**20
_STATISTICS = {
    "min": "min_ms",
    "p5": "p5_ms",
    "p50": "median_ms",
    "p95": "p95_ms",
    "max": "max_ms",
    "mean": "avg_ms",
    "sd": "std_ms",
}


def recognises(head: str, name: str) -> bool:
    """See `LogModule.recognises`."""
    return head.lstrip().startswith("{") and '"fully_accelerated"' in head and '"warmup_first_ms"' in head


def read(text: str, where: str) -> tuple[Reading, ...]:
    """See `LogModule.read`."""
    log = Field(json_object(text, where), where)
    latency = log["latency"]
    accelerators = [field.text.lower() for field in log["accelerators"].elements()]
    whole = log["fully_accelerated"]
    if not isinstance(whole.value, bool):
        raise whole.fault("must be true or false.")
    if accelerators != ["cpu"] and not whole.value:
        raise InputError(
            f"{where}: {', '.join(accelerators)} were allowed and the model was not accelerated as a whole, so this may be "
            "a time of the CPU. Measure again with --require_full_delegation, or on the CPU alone."
        )
    used = [name for name in accelerators if name != "cpu"] or accelerators
    size = round(log["model_size_mb"].number * _MIB)
    runs = latency["num_runs"].whole
    warm = latency["num_warmup_runs"].whole
    reading = Reading(
        statistics_ms=Statistics(**{name: latency[key].number for name, key in _STATISTICS.items()}),
        count=runs,
        first_inference_ms=latency["warmup_first_ms"].number if warm else None,
        load_ms=latency["init_ms"].number,
        runtime="tflite",
        accelerator=used[0] if len(used) == 1 else None,
        threads=log["num_threads"].whole,
        model=posixpath.basename(log["model"].text.replace("\\", "/")),
        model_bytes=size or None,
        model_bytes_error=round(0.005 * _MIB) + 1,
    )
    return (checked(reading, where),)
