"""A file beside what it was made from, layer by layer: from paths and photos to figures, causes and advice."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from edgetl import parity, registry
from edgetl.errors import InputError
from edgetl.layers import (
    case,
    causes,
    latency,
    measuring,
    read_coreml,
    read_frozen,
    read_onnx,
    read_tflite,
    remedies,
    rules_rest,
    tying,
    weighing,
)
from edgetl.layers.subject import Subject

if TYPE_CHECKING:
    import numpy as np

    from edgetl.layers.steps import Walk

Told = Callable[[float, str], None]
_READERS = {".tflite": read_tflite.read, ".onnx": read_onnx.read, ".mlpackage": read_coreml.read, ".pb": read_frozen.read}
_RANGES: tuple[case.Rule, ...] = ("clipped range", "range too wide", "outlier channel", "residual scale mismatch")
"""What is to be judged against the float network, too: a calibration's fault is in the fake-quantized one already."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnosis:
    """What was found."""

    file: str
    reference: str
    source: str | None
    images: int
    layers: int
    tied: int
    agreement: float
    """Share of the images that the file and the float network answer alike, 0 to 1."""
    logits_db: float
    """SQNR of what the network gives last before softmax."""
    measures: tuple[measuring.Measure, ...]
    causes: tuple[case.Cause, ...]
    advice: tuple[remedies.Advice, ...] | None
    """None where the float network is no frozen one, which could be asked."""
    latency: latency.Latency | None
    summary: str
    keep_float: tuple[str, ...] = ()
    """Layers that the file keeps in float already."""


@dataclass(frozen=True, slots=True, kw_only=True)
class References:
    """The networks that a file is held against, and what they gave for the same photos."""

    plain: Walk
    """The float network."""
    source: Walk | None


def walk_references(asked: Subject, pixels: np.ndarray) -> References:
    """Run the networks that a file is held against.

    Args:
        asked: of `subject`.
        pixels: uint8 (N, px, px, 3).

    Returns:
        What they gave.

    Raises:
        InputError: one cannot be read or run.
    """
    frozen = [path for path in (asked.reference, asked.source) if path is not None and _frozen(path)]
    walks = dict(zip(frozen, read_frozen.read_all(frozen, pixels, asked.preprocess), strict=True)) if frozen else {}
    plain = walks.get(asked.reference) or _READERS[asked.reference.suffix](asked.reference, pixels, asked.preprocess)
    return References(plain=plain, source=walks[asked.source] if asked.source is not None else None)


def diagnose(asked: Subject, pixels: np.ndarray, device: str | None = None, told: Told = lambda share, what: None) -> Diagnosis:
    """Walk a file beside its references, name what is wrong, and say what layers in float would bring.

    Args:
        asked: of `subject`.
        pixels: uint8 (N, px, px, 3).
        device: estimate on it what keeping layers in float costs.
        told: called with the share that is done, and what runs.

    Returns:
        Figures of every layer, causes, advice.

    Raises:
        InputError: a network cannot be read or run, or too few layers can be tied.
        UnknownName: there is no such device.
    """
    slower = latency.estimate(asked.path, device) if device is not None else None
    told(0.0, f"walking {asked.path.name}")
    found = _READERS[asked.path.suffix](asked.path, pixels, asked.preprocess)
    told(0.2, f"walking {asked.reference.name}")
    references = walk_references(asked, pixels)
    told(0.6, "comparing")
    compared, pairs = compare(found, references, asked.path.name)
    compared = replace(compared, keep_float=asked.keep_float)
    if not _frozen(asked.reference):
        return replace(compared, latency=slower)
    told(0.7, "trying layers in float")
    trained = asked.scheme is not None and registry.load("schemes", asked.scheme).NEEDS == "training"
    advice = remedies.advise(
        found,
        references.plain,
        pairs,
        compared.measures,
        asked.reference,
        pixels,
        asked.preprocess,
        trained=trained,
        latency=slower,
    )
    return replace(compared, latency=slower, advice=advice)


def compare(found: Walk, references: References, name: str) -> tuple[Diagnosis, tuple[int | None, ...]]:
    """Compare a file with its references, without advice.

    Args:
        found: the file.
        references: what it was made from, on the same photos.
        name: of the file.

    Returns:
        Figures and causes; and for each layer of the file the place of its layer in the float network.

    Raises:
        InputError: too few layers can be tied.
    """
    reference, source = references.plain, references.source
    _insist_finite(reference)
    pairs = tying.tie(found, reference)
    measures = tuple(measuring.measure(found, reference, pairs, place) for place in range(len(found.layers)))
    given, wanted = remedies.logits(found), remedies.logits(reference)
    alike = given.shape == wanted.shape
    agreement = parity.top1_agreement(wanted, given) if alike else 0.0
    logits_db = measuring.ratio_db(wanted, given) if alike else -measuring.MOST_DB
    beside = case.Case(found=found, reference=reference, pairs=pairs, measures=measures, agreement=agreement, logits_db=logits_db)
    if source is None:
        named = causes.name(replace(beside, weights=weighing.weigh(found, reference, pairs)))
    else:
        others = tying.tie(found, source)
        close = tuple(measuring.measure(found, source, others, place) for place in range(len(found.layers)))
        weights = weighing.weigh(found, source, others)
        named = causes.name(replace(beside, reference=source, pairs=others, measures=close, weights=weights))
        known = {cause.place for cause in named}
        named += tuple(c for c in causes.name(beside) if c.rule in _RANGES and c.place not in known)
        measures = tuple(replace(m, source_db=c.sqnr_db, dead=c.dead) for m, c in zip(measures, close, strict=True))
    if not named and (lost := rules_rest.lost(beside)) is not None:
        named = (lost,)
    answer = Diagnosis(
        file=name,
        reference=reference.title,
        source=None if source is None else source.title,
        images=len(found.values[0]),
        layers=len(found.layers),
        tied=sum(pair is not None for pair in pairs),
        agreement=agreement,
        logits_db=logits_db,
        measures=measures,
        causes=tuple(causes.ranked(named)),
        advice=None,
        latency=None,
        summary=_summary(named, measures, any(map(weighing.coarse, found.layers))),
    )
    return answer, pairs


def _insist_finite(reference: Walk) -> None:
    import numpy as np

    for layer, value in zip(reference.layers, reference.values, strict=True):
        if not np.isfinite(value).all():
            raise InputError(
                f"{reference.title}: layer {layer.name} gives values that are not finite: nothing can be held against it. "
                "Give a sound float network with --against."
            )


def _frozen(path: Path) -> bool:
    """Whether it is a frozen network, which can be asked what it would answer."""
    return path.suffix == ".pb" or (path.is_dir() and path.suffix != ".mlpackage")


def _summary(named: tuple[case.Cause, ...], measures: tuple[measuring.Measure, ...], coarse: bool) -> str:
    if named:
        first = next(causes.ranked(named))
        more = f" ({len(named) - 1} more)" if len(named) > 1 else ""
        return f"{first.rule} at {first.layer}{more}"
    figures = [(m.local_db, m.name) for m in measures if m.local_db is not None]
    if not figures:
        return "no fault is named: no layer could be computed alone"
    least, name = min(figures)
    if least >= 60.0:
        return "no fault: every layer gives what the float network's gives, to rounding"
    noise = "quantization noise" if coarse else "rounding"
    return f"no fault: {noise}, no single cause; the least is left at {name}, {least:.0f} dB of its own"
