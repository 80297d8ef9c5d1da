"""benchmark_model of TFLite and LiteRT: what it prints, on a terminal or through Android's logcat.

The last `count=` line before the closing `Inference timings` is the run that counts, the one before it the warm-up. What ran it
is told by the delegates that the log says were applied; a run that fell back to the CPU is refused.
"""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass, field
from typing import Any

from edgetl.errors import InputError
from edgetl.logs._text import lines, number, once
from edgetl.logs._tflite import NUMBER, Profile, statistics_us
from edgetl.reading import Reading, Statistics, checked

TITLE = "Text that TFLite's and LiteRT's benchmark_model prints, since 2018; also from logcat."
SOURCE = (
    "tensorflow/lite/tools/benchmark/benchmark_model.cc and benchmark_tflite_model.cc of TensorFlow 2.4 to 2.19 and of LiteRT 2; "
    "logs of 2018 to 2024 in public issues and READMEs"
)

_PREFIX = (
    r"(?:.{0,80}?\b([VDIWEF])[ /]tflite *(?:\( *[0-9]+\))? ?: )?(?:(VERBOSE|INFO|WARN|WARNING|ERROR|FATAL): )?(?:native : \S+ )?"
)
_NEW = (
    f"Inference timings in us: Init: {NUMBER}, First inference: {NUMBER}, Warmup [(]avg[)]: {NUMBER}, "
    f"Inference [(]avg[)]: {NUMBER}"
)
_OLD = f"Average inference timings in us: Warmup: {NUMBER}, Init: {NUMBER}, (?:no stats|Inference): {NUMBER}"
_FACTS = {
    "model": r"(?:Graph: \[(?=.)(.+)\]|Loaded model (.+))",
    "threads": r"(?:Num threads ?|#threads used for CPU inference): \[([1-9][0-9]{0,6})\]",
    "size": rf"The input model file size \(MB\): {NUMBER}",
    "peak": (
        r"(?:Overall peak memory footprint \(MB\) via periodic monitoring: |Peak memory footprint \(MB\): init=\S+ overall=)"
        + NUMBER
    ),
}
_ASKED = r"(?i:Use (gpu|nnapi|hexagon|xnnpack|coreml) ?: \[1\])"
_APPLIED = (
    r"(?:Explicitly applied|Applied) (.{1,40}?) delegate(?:\.|, and the model graph will be (completely|partially) executed.*)"
)
_UNUSED = r"Though (.{1,40}?) delegate is (?:explicitly )?applied, the model graph will not be executed.*"
_SOFT = "Following operations are not supported by GPU delegate"
"""Logged as an error, but the run goes on with part of the graph on the CPU; the delegate's own line tells how much."""
_FAILED = (
    r"Failed to (?:apply|initialize|load|allocate)\b.*|Benchmarking failed.*|Disallowed CPU fallback.*|Aborted.*|"
    r"Segmentation fault.*|(?:GPU acceleration|NNAPI|.* delegate) is (?:unsupported|not supported) on this platform.*"
)
_ACCELERATORS = {"xnnpack": "cpu", "gpu": "gpu", "nnapi": "nnapi", "hexagon": "dsp", "coreml": "coreml"}
_NOTES = {
    "Enable op profiling: [1]": "taken with operators profiled, which slows a run",
    "Allow fp16: [1]": "fp16 allowed for float32",
}


@dataclass
class _Log:
    """What was read so far."""

    facts: dict[str, Any] = field(default_factory=dict)
    counts: list[tuple[int, float, Statistics]] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    applied: dict[str, str] = field(default_factory=dict)
    """Delegate, in lower case → how much of the graph: completely, partially, "" where the log does not say."""
    unused: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    profile: Profile = field(default_factory=Profile)
    closing: dict[str, float] = field(default_factory=dict)


def recognises(head: str, name: str) -> bool:
    """See `LogModule.recognises`."""
    return bool(re.search(r"nference timings in us:|Running benchmark for |The input model file size \(MB\)", head))


def read(text: str, where: str) -> tuple[Reading, ...]:
    """See `LogModule.read`."""
    log = _Log()
    for count, raw in lines(text, where):
        place = f"{where}:{count}"
        prefix = re.match(_PREFIX, raw)
        line = raw[prefix.end() :] if prefix else raw
        error = prefix is not None and (prefix[1] in ("E", "F") or prefix[2] in ("ERROR", "FATAL"))
        if (error and not line.startswith(_SOFT)) or re.fullmatch(_FAILED, line):
            raise InputError(f"{place}: the run failed: {line[:200]!r}. Only a run that succeeded is evidence.")
        if not log.profile.take(line, place):
            _note(log, line, place)
    if log.profile.broken_off:
        raise InputError(f"{where}: ends in the middle of the table of operators. Take the whole log.")
    if not log.closing:
        raise InputError(f"{where}: ends before 'Inference timings in us: …', so the run did not finish. Take the whole log.")
    return (checked(_reading(log, where), where),)


def _note(log: _Log, line: str, place: str) -> None:
    """Take what one line says."""
    for name, form in _FACTS.items():
        if found := re.fullmatch(form, line):
            once(log.facts, name, next(group for group in found.groups() if group), place)
    if line.startswith("count="):
        if log.closing:
            raise InputError(f"{place}: a second run begins. Give the log of one run alone.")
        log.counts.append(statistics_us(line, place))
    elif "nference timings in us" in line:
        if log.closing:
            raise InputError(f"{place}: closes a second run. Give the log of one run alone.")
        log.closing = _closing(line, place)
    elif asked := re.fullmatch(_ASKED, line):
        log.asked.append(asked[1].lower())
    elif applied := re.fullmatch(_APPLIED, line):
        log.applied[applied[1].lower()] = applied[2] or ""
    elif unused := re.fullmatch(_UNUSED, line):
        log.unused.append(unused[1].lower())
    elif line in _NOTES:
        log.notes.append(_NOTES[line])


def _closing(line: str, place: str) -> dict[str, float]:
    """Figures of the closing line, in ms."""
    if new := re.fullmatch(_NEW, line):
        figures = dict(zip(("load", "first", "warmup", "mean"), new.groups(), strict=True))
    elif old := re.fullmatch(_OLD, line):
        figures = dict(zip(("warmup", "load", "mean"), old.groups(), strict=True))
    else:
        raise InputError(
            f"{place}: expected 'Inference timings in us: Init: …, First inference: …, Warmup (avg): …, Inference (avg): …', "
            f"found {line[:100]!r}. Take the log again."
        )
    return {name: number(figure, place) / 1000 for name, figure in figures.items()}


def _reading(log: _Log, where: str) -> Reading:
    if len(log.counts) > 2:
        raise InputError(
            f"{where}: holds {len(log.counts)} runs; a warm-up and one run are meant. Give the log of one run alone."
        )
    runs, statistics, closing = None, Statistics(mean=log.closing["mean"]), log.closing
    if log.counts:
        runs, _, statistics = log.counts[-1]
        compared = [("Inference (avg)", statistics.mean or 0.0, closing["mean"])]
        if len(log.counts) == 2:
            _, first, warmup = log.counts[0]
            compared += [
                ("Warmup (avg)", warmup.mean or 0.0, closing["warmup"]),
                ("First inference", first, closing.get("first", first)),
            ]
        for what, earlier, closed in compared:
            if abs(earlier - closed) > 2e-5 * max(earlier, closed):
                raise InputError(
                    f"{where}: the closing line says {what} {closed:g} ms, an earlier line {earlier:g} ms. Take the log again."
                )
    accelerator, notes = _accelerator(log, where)
    megabytes = number(log.facts["size"], where) if "size" in log.facts else 0.0
    model = log.facts.get("model", "")
    return Reading(
        statistics_ms=statistics,
        count=runs,
        first_inference_ms=closing.get("first"),
        load_ms=closing["load"],
        peak_memory_mib=number(log.facts["peak"], where) if "peak" in log.facts else None,
        runtime="tflite",
        accelerator=accelerator,
        threads=int(log.facts["threads"]) if "threads" in log.facts else None,
        model=None if not model or model.startswith("fd:") else posixpath.basename(model),
        model_bytes=round(megabytes * 1e6) or None,
        model_bytes_error=round(megabytes * 5) + 1,  # printed in 10^6 bytes with six digits
        operators=tuple(log.profile.operators),
        notes=(*log.notes, *notes),
    )


def _accelerator(log: _Log, where: str) -> tuple[str | None, tuple[str, ...]]:
    """What ran the model, as far as the log says; the CPU where it is whole and no delegate was applied."""
    whole = [name for name, share in log.applied.items() if share == "completely"]
    others = [name for name in log.applied if name != "xnnpack"]
    idle = [name for name in (*log.unused, *log.asked) if name not in log.applied]
    if idle and not whole and ("model" in log.facts or log.unused):
        raise InputError(
            f"{where}: {idle[0]} was asked for and did not run the model: this is a time of the CPU. "
            "Measure again with a model that the delegate takes, or without it."
        )
    ran = whole or others or list(log.applied)
    if not ran:
        return ("cpu" if "model" in log.facts else None), ()
    if len(ran) > 1:
        return None, (f"delegates applied one after another: {', '.join(log.applied)}",)
    share = log.applied[ran[0]]
    note = "" if share == "completely" else f"{ran[0]} ran {'part of' if share else 'an unstated share of'} the model"
    return _ACCELERATORS.get(ran[0]), (note,) if note else ()
