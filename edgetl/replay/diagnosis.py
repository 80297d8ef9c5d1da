"""Which mistake is it: what each would cost on a user's photos, and which one explains what an app answered."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from edgetl import registry, stats
from edgetl.replay import evidence
from edgetl.replay.hypotheses import RIGHT, Hypothesis, Photo, pairs, singles
from edgetl.replay.likelihood import SURE, Finding
from edgetl.replay.network import Network
from edgetl.replay.observed import LoggedImage
from edgetl.replay.replays import Replays, Told, replay

Entered = Literal["right", "wrong", "not logged"]
_FIRST_PHOTOS = 4
"""Photos on which all pairs of mistakes are tried."""
_PAIR_PHOTOS = 12
"""Photos on which the best of them are tried again."""
_BEST_PAIRS = 24
_EXPLAINED = 2.0
"""In scales of a sound app: a mistake that leaves less on nine of ten photos explains all; no second one is looked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What one mistake would cost."""

    name: str
    """The hypothesis; `none` is the right way."""
    top1: float
    interval: tuple[float, float]
    """95 %, Wilson."""
    agreement: float
    """Share of photos on which it names the class that the right way names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnosis:
    """What explains an app's answers."""

    finding: Finding
    telling: str | None
    """Photo that tells the two likeliest explanations apart, when neither is named; None where no photo at hand does."""
    input: Entered
    """What the logged values of the input say, whatever was answered."""


def costs(replays: Replays, hypotheses: Sequence[Hypothesis], labels: np.ndarray) -> tuple[Cost, ...]:
    """Say what each mistake would cost on labelled photos.

    Args:
        replays: of the photos.
        hypotheses: the mistakes, one each.
        labels: int64 (N,), classes of the photos.

    Returns:
        The right way, then the mistakes in the order in which they happen.
    """
    found = []
    right = replays.outputs[RIGHT.name].argmax(axis=1)
    for hypothesis in (RIGHT, *hypotheses):
        said = hypothesis.named(replays.outputs[hypothesis.name]).argmax(axis=1)
        correct = int((said == labels).sum())
        found.append(
            Cost(
                name=hypothesis.name,
                top1=correct / len(labels),
                interval=stats.wilson_interval(correct, len(labels)),
                agreement=float((said == right).mean()),
            )
        )
    return tuple(found)


def explain(
    images: Sequence[LoggedImage],
    rows: Sequence[int],
    names: Sequence[str],
    photos: Sequence[bytes],
    replays: Replays,
    network: Network | None,
    told: Told | None = None,
) -> Diagnosis:
    """Find what explains an app's answers: nothing wrong, one mistake, two, an order of names, or something else.

    Args:
        images: what the app logged.
        rows: their rows in `photos` and `replays`.
        names: of all photos.
        photos: their bytes.
        replays: of all photos, with all mistakes alone.
        network: the file; None = only the input's values are weighed.
        told: receives how far the search for two mistakes is.

    Returns:
        The diagnosis.
    """
    alone = singles(replays.given)
    known = {h.name: h for h in (RIGHT, *alone)}
    seen = _some(replays, rows)
    finding = evidence.weigh(images, seen, alone)
    if finding.outcome == "unexplained" and network is not None and (own := evidence.permutation(images, seen)) is not None:
        known[own[0].name] = own[0]
        again = evidence.weigh(images, seen, (*alone, own[0]), {own[0].name: own[1]})
        finding = again if again.outcome == "named" else finding
    first = finding.explanations[0]
    left = evidence.left_over(images, seen, known[first.best]) if first.best in known else math.inf
    if first.mistakes and left > _EXPLAINED:  # something is wrong, and there may be more to it
        both = pairs(alone)
        if finding.outcome == "named":
            both = tuple(pair for pair in both if set(first.mistakes) < set(pair.mistakes))
        wider = _two(images, [photos[row] for row in rows], seen, network, alone, both, told)
        known.update({pair.name: pair for pair in both})
        if wider.outcome == "named" or finding.outcome == "unexplained":
            finding = wider
    telling = None
    rest = sorted(set(range(len(photos))) - set(rows))  # what was logged already did not tell
    if finding.outcome == "undecided" and network is not None and rest:
        ways = ([known[e.best] for e in finding.explanations if e.best in known] + [RIGHT, RIGHT])[:2]
        away = evidence.apart(_answered(_some(replays, rest), ways, [photos[row] for row in rest], network), *ways)
        telling = names[rest[int(away.argmax())]] if away.max() > 4.0 else None
    sampled = any(image.tensor is not None and image.tensor.samples is not None for image in images)
    entered: Entered = "not logged" if not sampled else "wrong" if evidence.wrong_input(images, seen) else "right"
    return Diagnosis(finding=finding, telling=telling, input=entered)


def _answered(replays: Replays, ways: Sequence[Hypothesis], photos: Sequence[bytes], network: Network) -> Replays:
    """Add the answers of those ways that were tried on other photos only, one photo at a time."""
    for way in ways:
        if not evidence.foretold(way, replays):
            parts = [replay([Photo(data, replays.given)], replays.given, network, [way]) for data in photos]
            replays.outputs[way.name] = np.concatenate([part.outputs[way.name] for part in parts])
    return replays


def _two(
    images: Sequence[LoggedImage],
    photos: Sequence[bytes],
    seen: Replays,
    network: Network | None,
    alone: tuple[Hypothesis, ...],
    both: tuple[Hypothesis, ...],
    told: Told | None,
) -> Finding:
    """Try two mistakes at once: all on a few photos, the best on more of them."""
    spread = np.zeros(len(photos))
    for way in alone:
        if network is not None:
            spread += evidence.apart(seen, RIGHT, way).clip(max=10.0)
    order = np.argsort(-spread, kind="stable")[:_PAIR_PHOTOS].tolist()
    decoded = {row: Photo(photos[row], seen.given) for row in order}
    for rows, what in ((order[:_FIRST_PHOTOS], "pairs of mistakes, a few photos"), (order, "the likeliest pairs, more photos")):
        tried, some = _some(seen, rows), [images[row] for row in rows]
        more = replay([decoded[row] for row in rows], seen.given, network, both, told, what)
        tried.outputs.update(more.outputs)
        tried.samples.update(more.samples)
        if len(rows) < len(order):
            both = tuple(sorted(both, key=lambda pair: -evidence.support(some, tried, pair))[:_BEST_PAIRS])
    return evidence.weigh(some, tried, (*alone, *both))


def _some(replays: Replays, rows: Sequence[int]) -> Replays:
    """Take some rows."""
    chosen = list(rows)
    return Replays(
        given=replays.given,
        outputs={name: values[chosen] for name, values in replays.outputs.items()},
        samples={name: values[chosen] for name, values in replays.samples.items()},
        scales=replays.scales[chosen],
        levels=replays.levels[chosen],
        allowed=replays.allowed[chosen],
    )


_SHOWN = 6
"""Mistakes that are listed of those that photos cannot show."""
_UNEXPLAINED = "No mistake that edgetl knows, alone or two at once, explains what was logged. "
_WHERE = {
    "not logged": "Is it this file, are these the photos? Another delegate? Samples of the input (golden.json, how_to_log) say "
    "whether it is before the network or in it.",
    "wrong": "The input's values are not those of a sound app: it is before the network. Is this the photo's own file, not a "
    "smaller or re-encoded copy? Is its colour or brightness changed?",
    "right": "The input's values are right: it is in the network or after it. Is it this file? Another delegate?",
}


def words(diagnosis: Diagnosis) -> list[str]:
    """Say a diagnosis in sentences.

    Args:
        diagnosis: of `explain`.

    Returns:
        The finding, then what to do; one sentence or two each.
    """
    finding = diagnosis.finding
    first = finding.explanations[0]
    said = []
    if finding.outcome == "none":
        said.append(f"No mistake: a sound app explains these answers ({first.posterior:.1%}).")
    elif finding.outcome == "named":
        said.append(f"Likeliest mistake: {first.best} ({first.posterior:.1%}).")
        for mistake in first.mistakes:
            module = registry.load("mistakes", mistake)
            said.append(f"{mistake}: {module.TITLE} {module.REMEDY}")
    elif finding.outcome == "undecided":
        likely = [e for e in finding.explanations[:4] if e.posterior >= 0.01]
        listed = ", ".join(f"{e.best} ({math.floor(e.posterior * 1000) / 10:.1f}%)" for e in likely)
        said.append(f"Undecided: nothing is named below {SURE:.0%}. Likeliest first: {listed}.")
        more = "Log more photos"
        if diagnosis.input == "not logged":
            more += "; samples of the input (golden.json, how_to_log) tell nearly all mistakes apart"
        said.append(f"{diagnosis.telling} would tell the first two apart." if diagnosis.telling else f"{more}.")
    else:
        said.append(_UNEXPLAINED + _WHERE[diagnosis.input])
    if finding.unseen:
        # of one mistake first; that two at once do not show mostly follows
        shown = sorted(finding.unseen, key=lambda name: name.count(" + "))[:_SHOWN]
        more = f" and {len(finding.unseen) - _SHOWN} more (--json lists all)" if len(finding.unseen) > _SHOWN else ""
        said.append(f"These photos cannot show: {', '.join(shown)}{more}.")
    return said
