"""Where the time of an inference goes: operators, gathered under names that people use."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any

from edgetl import registry
from edgetl.stats import percentile
from edgetl.timing.steady import warm_up
from edgetl.timing.turns import Runnable

_PROFILED = 50
"""Inferences whose operators are timed; fewer where they would take longer than `_LONGEST_S`."""
_LONGEST_S = 10.0
_KINDS = (  # first that holds; the words of XNNPACK's and onnxruntime's operators
    ("dwconv", "depthwise convolution"),
    ("conv depthwise", "depthwise convolution"),
    ("deconv", "transposed convolution"),
    ("convtranspose", "transposed convolution"),
    ("convolution", "convolution"),
    ("conv", "convolution"),
    ("fully connected", "pointwise convolution or dense layer"),
    ("gemm", "dense layer"),
    ("matmul", "dense layer"),
    ("reorder", "change of layout"),
    ("transpose", "change of layout"),
    ("pool", "pooling"),
    ("mean", "pooling"),
    ("softmax", "softmax"),
    ("add", "addition"),
    ("sum", "addition"),
    ("quantize", "conversion of type"),
    ("convert", "conversion of type"),
    ("cast", "conversion of type"),
)
_PLURALS = {
    "pointwise convolution or dense layer": "pointwise convolutions or dense layers",
    "change of layout": "changes of layout",
    "conversion of type": "conversions of type",
    "softmax": "softmaxes",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatorTime:
    """One operator."""

    name: str
    type: str
    """In the runtime's own words."""
    kind: str
    """In ours."""
    median_us: float
    share: float
    """Of the sum of all operators' medians, 0 to 1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """All operators of one file, in the order in which they ran."""

    operators: tuple[OperatorTime, ...]
    total_us: float
    """Sum of the operators' medians; the runtime's own work between them is not in it."""

    def kinds(self) -> tuple[tuple[str, int, float], ...]:
        """Kind, how many, and share of the time; most first."""
        groups: dict[str, list[float]] = {}
        for operator in self.operators:
            groups.setdefault(operator.kind, []).append(operator.share)
        return tuple(sorted(((kind, len(own), sum(own)) for kind, own in groups.items()), key=lambda found: -found[2]))

    def sentence(self) -> str:
        """Say the top costs in words."""
        parts = [f"{share:.0%} of the time goes into {_counted(kind, count)}" for kind, count, share in self.kinds()[:1]]
        parts += [f"{share:.0%} into {_counted(kind, count)}" for kind, count, share in self.kinds()[1:3] if share >= 0.02]
        place = max(range(len(self.operators)), key=lambda number: self.operators[number].share)
        most = self.operators[place]
        return f"{', '.join(parts)}. The dearest single operator, number {place + 1} ({most.name}), takes {most.share:.0%}."


def kind_of(type_name: str) -> str:
    """Say what an operator is.

    Args:
        type_name: in the runtime's words: `Convolution (NHWC, F32) DWConv`, `QLinearConv`.

    Returns:
        A name in the singular; the runtime's own in lower case where we have none.
    """
    low = type_name.lower()
    return next((kind for part, kind in _KINDS if part in low), low.partition(" (")[0].replace("_", " "))


def gather(operators: Sequence[dict[str, Any]]) -> Profile:
    """Reduce raw times to medians and shares.

    Args:
        operators: `name`, `type`, `us` (microseconds of each inference), in order.

    Returns:
        The profile; where all medians are 0 us, means decide.
    """
    times = [percentile(operator["us"], 50.0) for operator in operators]
    total = sum(times)
    if not total:
        times = [sum(operator["us"]) / len(operator["us"]) for operator in operators]
        total = sum(times)
    return Profile(
        operators=tuple(
            OperatorTime(
                name=operator["name"],
                type=operator["type"],
                kind=kind_of(operator["type"]),
                median_us=time,
                share=time / total if total else 0.0,
            )
            for operator, time in zip(operators, times, strict=True)
        ),
        total_us=total,
    )


def profile(chosen: Runnable, *, threads: int, cores: tuple[int, ...]) -> Profile:
    """Time every operator of a file, in a process of its own.

    Args:
        chosen: the file.
        threads: CPU threads.
        cores: to pin it to; empty = none.

    Returns:
        The profile.

    Raises:
        BenchmarkError: it cannot be loaded, or its runtime has no profiler here.
        DeviceUnreachable: the process went away.
    """
    local = registry.load("connections", "local")
    link = local.open(local.Settings(cpus=cores))
    with closing(link.start(chosen.path, chosen.runtime, threads, profiled=True)) as session:
        warm = warm_up(session.time, limit_s=1.0)
        return gather(session.profile(max(3, min(_PROFILED, int(_LONGEST_S * 1e3 / warm.window_ms)))))


def _counted(kind: str, count: int) -> str:
    return f"one {kind}" if count == 1 else f"{count} {_PLURALS.get(kind, kind + 's')}"
