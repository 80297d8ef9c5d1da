"""onnxruntime_perf_test: what it prints, and the result file that it writes (one row a run, in seconds).

It prints neither threads (unless they were set) nor the execution provider, so those are asked of whoever imports the log.
"""

from __future__ import annotations

import re
from typing import Any

from edgetl.errors import InputError
from edgetl.logs._text import lines, number, once
from edgetl.reading import Reading, Statistics, checked

TITLE = "Text that onnxruntime_perf_test prints, and the rows of its result file."
SOURCE = (
    "onnxruntime/test/perftest/performance_runner.{h,cc} and README.md of onnxruntime 1.0 to 1.24; logs in onnxruntime's pull "
    "request 2798 and issues 4647 and 17313"
)

_N = r"([0-9][0-9.]*(?:e[-+]?[0-9]+)?)"
_LINES = {
    "load": f"Session creation time cost: ?{_N} s",
    "first": f"First inference time cost: ?{_N} ms",
    "total": f"Total (?:inference )?time cost: ?{_N}(?: s)?",
    "count": "Total (?:inference requests|iterations): ?([0-9]{1,12})",
    "mean": f"Average (?:inference )?time cost(?: total)?: ?{_N} ms",
    "elapsed": f"Total (?:inference )?run time: ?{_N}(?: s)?",
    "peak": "Peak working set size: ?([0-9]{1,15}) bytes",
    "threads": "Setting intra_op_num_threads to ([0-9]{1,6})",
}
_BEGINNINGS = (
    "Session creation time cost",
    "First inference time",
    "Total inference",
    "Total time cost",
    "Average inference time",
)
_OTHERS = "Average inference time cost submission: .*"
_QUANTILE = f"(Min|Max|P50|P90|P95|P99|P999) Latency(?: is|:) ?{_N} ?s(?:ec)?"
_ROW = r"([^,]*),([^,]+),([0-9]+),(-?[0-9]+),([0-9]{1,9})"
_FAILED = r".*\[[EF]:onnxruntime:.*|failed to initialize.*|.*there is no test (?:input )?data for .*"


def recognises(head: str, name: str) -> bool:
    """See `LogModule.recognises`."""
    printed = r"^(?:Session creation time cost|Average (?:inference )?time cost|P50 Latency(?: is|:))"
    return bool(re.search(printed, head, re.M) or re.fullmatch(_ROW, head.split("\n", 1)[0].strip()))


def read(text: str, where: str) -> tuple[Reading, ...]:
    """See `LogModule.read`."""
    facts: dict[str, Any] = {}
    values: list[float] = []
    for count, line in lines(text, where):
        place = f"{where}:{count}"
        if re.fullmatch(_FAILED, line):
            raise InputError(f"{place}: the run failed: {line[:200]!r}. Only a run that succeeded is evidence.")
        if line.startswith("Latency per shape group") or re.match(r"Shape group [0-9]", line):
            raise InputError(f"{place}: holds inputs of several shapes. Give the log of one shape alone.")
        if row := re.fullmatch(_ROW, line):
            _value(row, facts, values, place)
            continue
        hit = next(((name, found) for name, form in _LINES.items() if (found := re.fullmatch(form, line))), None)
        if hit:
            once(facts, hit[0], number(hit[1][1], place), place)
        elif quantile := re.fullmatch(_QUANTILE, line):
            once(facts, quantile[1].lower(), number(quantile[2], place) * 1000, place)
        elif (line.startswith(_BEGINNINGS) or " Latency" in line[:20]) and not re.fullmatch(_OTHERS, line):
            raise InputError(f"{place}: expected a figure with its unit, found {line[:80]!r}. Take the log again.")
    return (checked(_reading(facts, values, where), where),)


def _value(row: re.Match[str], facts: dict[str, Any], values: list[float], place: str) -> None:
    """Take one row of a result file: folder of the model, seconds, peak in bytes, CPU in per cent, number of the run."""
    folder, seconds, peak, _, run = row.groups()
    once(facts, "folder", folder, place)
    once(facts, "peak", float(peak), place)
    if int(run) != len(values):
        raise InputError(
            f"{place}: expected run {len(values)}, found {run}. Rows are missing, or the tool appended several runs."
        )
    values.append(number(seconds, place) * 1000)


def _reading(facts: dict[str, Any], values: list[float], where: str) -> Reading:
    if not values and not {"mean", "p50"} & set(facts):
        raise InputError(f"{where}: ends before 'Average inference time cost: …', so the run did not finish. Take the whole log.")
    count = int(facts["count"]) if "count" in facts else None
    if count == 0:
        raise InputError(f"{where}: says that nothing was run (0 requests).")
    if (
        count
        and {"mean", "total"} <= set(facts)
        and abs(facts["mean"] * count - facts["total"] * 1000) > 1e-3 * facts["total"] * 1000
    ):
        raise InputError(
            f"{where}: {count} requests of {facts['mean']:g} ms do not take {facts['total']:g} s; the log is not of one run."
        )
    if {"elapsed", "total"} <= set(facts) and facts["elapsed"] < 0.95 * facts["total"]:
        raise InputError(
            f"{where}: requests ran in parallel ({facts['total']:g} s of requests in {facts['elapsed']:g} s). "
            "Measure one inference at a time, without -c."
        )
    quantiles = {name: facts[name] for name in ("min", "max", "p50", "p90", "p95", "p99", "p999") if name in facts}
    return Reading(
        values_ms=tuple(values),
        statistics_ms=Statistics(mean=facts.get("mean"), **quantiles),
        count=count or len(values) or None,
        first_inference_ms=facts.get("first") or None,  # printed in whole milliseconds: 0 says nothing
        load_ms=facts["load"] * 1000 if "load" in facts else None,
        peak_memory_mib=facts["peak"] / 2**20 if facts.get("peak") else None,
        runtime="onnxruntime",
        threads=int(facts["threads"]) if facts.get("threads") else None,  # 0: as many as the runtime likes
    )
