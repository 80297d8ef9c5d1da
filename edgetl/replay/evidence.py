"""What an app logged beside what each hypothesis foretells: distances, and from them the finding."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from edgetl.mistakes._base import Given
from edgetl.replay import likelihood
from edgetl.replay.hypotheses import RIGHT, Hypothesis, Step
from edgetl.replay.likelihood import Finding
from edgetl.replay.observed import LoggedImage
from edgetl.replay.replays import Replays

_NAME_SCALE = 0.3
"""Scale of a name without a probability: that the right one was said proves little."""
_TOP_SCALE = 0.01
"""Least scale of some classes with their probabilities, which apps round."""
_PRINTED = 1e-3
"""Levels by which a value may be off because it was printed and read again."""
_STRAY = 0.05
"""Share of photos that may have been prepared in a way of their own without a verdict on the app."""
_MOST = 0.9
"""Share of an input's logged values that a mistake must foretell within the tolerance; edges differ more where it resizes."""
_GROUPS = 8
"""Rows of samples of one input that are weighed each on its own: a picture's parts are different witnesses."""
_BLIND = 2.0
"""In scales: what lies no further from the right way on any photo is not told from it."""


def weigh(
    images: Sequence[LoggedImage],
    replays: Replays,
    hypotheses: Sequence[Hypothesis],
    penalties: dict[str, float] | None = None,
) -> Finding:
    """Weigh every hypothesis by what an app logged.

    Args:
        images: what it logged, in the order of the replays' rows.
        replays: of those photos, the right way among them.
        hypotheses: those that were replayed, besides the right way.
        penalties: see `likelihood.weigh`.

    Returns:
        The finding.
    """
    logs, unseen, inputs = {}, [], {}
    right = _logged_as(images, replays)
    for hypothesis in (RIGHT, *hypotheses):
        inputs[hypothesis.name], answers = _support(images, replays, hypothesis)
        logs[hypothesis.name, hypothesis.mistakes] = inputs[hypothesis.name] + answers
        if hypothesis.steps:
            away = _distances(right, replays, hypothesis)
            shares = [d / s for distances, scales in away for d, s in zip(distances, scales, strict=True)]
            if max(shares, default=0.0) <= _BLIND:
                unseen.append(hypothesis.name)
    answered = any(image.probabilities is not None or image.top is not None for image in images)
    return likelihood.weigh(logs, unseen, penalties, inputs if answered else None)


def support(images: Sequence[LoggedImage], replays: Replays, hypothesis: Hypothesis) -> float:
    """Log-likelihood of one hypothesis against "something else"; see `likelihood.log_likelihood`."""
    return math.fsum(_support(images, replays, hypothesis))


def _support(images: Sequence[LoggedImage], replays: Replays, hypothesis: Hypothesis) -> tuple[float, float]:
    """Of the inputs' values, and of the answers."""
    inner, outer = _distances(images, replays, hypothesis)
    answers = likelihood.log_likelihood(np.array(outer[0]), np.array(outer[1]))
    named_only = all(step.stage == "labels" for step in hypothesis.steps)
    if wrong_input(images, replays) if named_only else _refuted(images, replays, hypothesis):
        return likelihood.EXCLUDED, answers
    return likelihood.log_likelihood(np.array(inner[0]), np.array(inner[1]), likelihood.INPUT_FACTORS), answers


def wrong_input(images: Sequence[LoggedImage], replays: Replays) -> bool:
    """Say whether logged values of the input are off by more than a sound app's, on more photos than may be strays."""
    right = replays.samples[RIGHT.name]
    off = [
        levels_apart(image.tensor.samples, right[row], replays.given).max() > replays.allowed[row] + _PRINTED
        for row, image in enumerate(images)
        if image.tensor is not None and image.tensor.samples is not None
    ]
    return bool(sum(off) > _STRAY * len(off))


def _refuted(images: Sequence[LoggedImage], replays: Replays, hypothesis: Hypothesis) -> bool:
    """Say whether values of the input are not those that a mistake foretells: on most photos more than a tenth of them.

    What a mistake enlarges (a scale), it enlarges in what differs for sound reasons too.
    """
    foretold, right = replays.samples[_before_names(hypothesis, replays)], replays.samples[RIGHT.name]
    shares = []
    for row, image in enumerate(images):
        if image.tensor is not None and image.tensor.samples is not None:
            away = levels_apart(image.tensor.samples, foretold[row], replays.given)
            gain = max(1.0, float(foretold[row].std()) / max(float(right[row].std()), 1e-6))
            shares.append(float(np.quantile(away, _MOST)) / (replays.allowed[row] * gain + _PRINTED))
    return bool(shares) and float(np.median(shares)) > 1.0


def left_over(images: Sequence[LoggedImage], replays: Replays, hypothesis: Hypothesis) -> float:
    """Distance that a hypothesis leaves on the photo that is worse than nine of ten, in scales of a sound app."""
    both = _distances(images, replays, hypothesis)
    shares = [d / s for distances, scales in both for d, s in zip(distances, scales, strict=True)]
    return float(np.quantile(shares, 0.9)) if shares else 0.0


def apart(replays: Replays, first: Hypothesis, second: Hypothesis) -> np.ndarray:
    """Say how far the answers of two hypotheses lie apart on each photo; (N,), in the scale of a sound app."""
    one, other = (h.named(replays.outputs[_before_names(h, replays)]) for h in (first, second))
    found: np.ndarray = likelihood.hellinger(one, other) / replays.scales
    return found


def foretold(hypothesis: Hypothesis, replays: Replays) -> bool:
    """Say whether the replays hold what a hypothesis answers."""
    return _before_names(hypothesis, replays) in replays.outputs


def permutation(images: Sequence[LoggedImage], replays: Replays) -> tuple[Hypothesis, float] | None:
    """Find the order of names that explains an app's probabilities best.

    Args:
        images: what it logged; those with probabilities count.
        replays: of those photos.

    Returns:
        The hypothesis and the logarithm of how many orders there are that move as many names, which it must make up for; None
        when too little was logged or the right order is the best.
    """
    from scipy.optimize import linear_sum_assignment

    rows = [row for row, image in enumerate(images) if image.probabilities is not None]
    if not rows:
        return None
    seen = np.sqrt(np.clip([images[row].probabilities or () for row in rows], 0.0, None))
    own = np.sqrt(np.clip(replays.outputs[RIGHT.name][rows], 0.0, None))
    classes = own.shape[1]
    order = linear_sum_assignment(own.T @ seen, maximize=True)[1]  # order[i]: where the app puts class i
    moved = int((order != np.arange(classes)).sum())
    if moved < 2:
        return None
    places = np.argsort(order)

    def name(probabilities: np.ndarray) -> np.ndarray:
        return probabilities[..., places]

    step = Step(mistake="labels_sorted", way=f"{moved} of {classes} names in an order of the app's own", stage="labels", do=name)
    return Hypothesis(steps=(step,)), math.lgamma(classes + 1) - math.lgamma(classes - moved + 1)


def levels_apart(samples: Sequence[float], foretold: np.ndarray, given: Given) -> np.ndarray:
    """Differences of an input's values in levels of 255, at most 255; what is not finite is 255."""
    step = given.preprocess.std if given.dtype == "float32" else 1.0
    with np.errstate(over="ignore", invalid="ignore"):
        found: np.ndarray = np.minimum(np.nan_to_num(np.abs(np.array(samples) - foretold) * step, nan=255.0), 255.0)
    return found


def _distances(
    images: Sequence[LoggedImage], replays: Replays, hypothesis: Hypothesis
) -> tuple[tuple[list[float], list[float]], tuple[list[float], list[float]]]:
    """Distances and scales, of the inputs' values and of the outputs."""
    name = _before_names(hypothesis, replays)
    inner: tuple[list[float], list[float]] = ([], [])
    outer: tuple[list[float], list[float]] = ([], [])
    for row, image in enumerate(images):
        if image.tensor is not None and image.tensor.samples is not None:
            away = levels_apart(image.tensor.samples, replays.samples[name][row], replays.given)
            inner[0].extend(float(d) / 255.0 for d in np.sqrt((away**2).reshape(_GROUPS, -1).mean(axis=1)))
            inner[1].extend([float(replays.levels[row]) / 255.0] * _GROUPS)
        raw = replays.outputs[name][row]
        if raw.size == 0:
            continue
        named, scale = hypothesis.named(raw), float(replays.scales[row])
        if image.probabilities is not None:  # beside names, they are what the file gave, before the app named anything
            outer[0].append(float(likelihood.hellinger(np.array(image.probabilities), raw if image.top is not None else named)))
            outer[1].append(scale)
        if image.top is not None:
            distance, least = _of_names(image, named, replays.given.class_names)
            outer[0].append(distance)
            outer[1].append(max(scale, least))
    return inner, outer


def _of_names(image: LoggedImage, named: np.ndarray, class_names: tuple[str, ...]) -> tuple[float, float]:
    """Distance of the classes that an app showed, and the least scale of that."""
    assert image.top is not None
    places = [class_names.index(entry.label) for entry in image.top]
    shares = [entry.probability for entry in image.top]
    if None not in shares:
        seen = np.clip([share or 0.0 for share in shares], 0.0, None)
        foretold = likelihood.with_rest(named, places)
        rest = max(0.0, float(foretold.sum()) - float(seen.sum()))
        return float(likelihood.hellinger(np.append(seen, rest), foretold)), _TOP_SCALE
    roots = np.sqrt(np.clip(named, 0.0, None))
    wanted = np.sort(roots)[::-1][: len(places)]
    return float(min(1.0, np.abs(wanted - roots[places]).max())), _NAME_SCALE


def _before_names(hypothesis: Hypothesis, replays: Replays) -> str:
    """Name under which a hypothesis' outputs were kept; one that only names otherwise answers as the right way."""
    if hypothesis.name in replays.outputs:
        return hypothesis.name
    return Hypothesis(steps=tuple(step for step in hypothesis.steps if step.stage != "labels")).name


def _logged_as(images: Sequence[LoggedImage], replays: Replays) -> list[LoggedImage]:
    """What a sound app would have logged where this one logged something."""
    import dataclasses

    names = replays.given.class_names
    found = []
    for row, image in enumerate(images):
        raw = replays.outputs[RIGHT.name][row]
        changed: dict[str, object] = {}
        if image.tensor is not None and image.tensor.samples is not None:
            changed["tensor"] = dataclasses.replace(image.tensor, samples=tuple(replays.samples[RIGHT.name][row].tolist()))
        if raw.size and image.probabilities is not None:
            changed["probabilities"] = tuple(raw.tolist())
        if raw.size and image.top is not None:
            places = np.argsort(-raw, kind="stable")[: len(image.top)]
            changed["top"] = tuple(
                dataclasses.replace(e, label=names[p], probability=None if e.probability is None else float(raw[p]))
                for e, p in zip(image.top, places, strict=True)
            )
        found.append(dataclasses.replace(image, **changed))  # type: ignore[arg-type]
    return found
