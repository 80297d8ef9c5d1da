"""Judge one artifact against the gates of a recipe and against the budget of a device. Pure: no I/O, no clock.

Input: counts and measurements of the artifact, and limits. Output: one `Verdict` for each limit that is set.

A verdict may be unsure, but it must not be wrong. So a figure is judged by its 95 % interval: all of it on the good
side of the limit is a pass, all of it on the bad side a fail, anything else unsure, with what would settle it. Four
decisions follow:

- *None seen.* When something was seen on no image (no answer changed, none wrong), the interval is the exact one-sided
  one: none in n excludes more than 1 - 0.05^(1/n) (n = 360: 0.83 %).
- *Identical answers.* No number of images proves that nothing ever changes, so a limit of 0 (drop) or 1 (agreement)
  could never be passed, and an artifact that answers as its checkpoint does on every image would be held up only by the
  size of the test set. It passes `max_top1_drop` and `min_agreement`, whatever the limit, once the images exclude that
  more than `IDENTITY_RESOLUTION` of the answers change (299 images for 1 %), and its reason says what they exclude.
  With fewer images, the limit must allow what they cannot exclude.
- *The worst class* (`max_class_drop`) is judged by an interval that allows for its having been picked out of all classes, and
  gets no such help: a class of thirty images cannot show that it loses little, however alike the answers are.
- *Evidence.* What was measured on the device decides, else what was imported, else an estimate; each by its whole interval. A
  host timing never does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from edgetl import costs, paired
from edgetl.costs import Judged, KnownCost
from edgetl.devices import DeviceProfile
from edgetl.paired import ClassCounts
from edgetl.stats import Interval, none_seen_bound, trials_that_exclude, wilson_interval
from edgetl.types import Evidence, Measurement, Outcome, Verdict

GATES = ("min_top1", "max_top1_drop", "max_class_drop", "min_agreement")
"""Limits of a recipe that `judge_gates` knows, in the order of its verdicts."""

IDENTITY_RESOLUTION = 0.01
"""Share of changed answers that a test set must be able to exclude before identical answers count as proof. Our choice:
the usual size of a `max_top1_drop`."""

_ORDER: tuple[Outcome, ...] = ("fail", "unsure", "pass", "skipped")
_LARGEST_SAMPLE = 10_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Accuracy:
    """What the artifact and its float checkpoint answered on the same test images; counts of images."""

    n: int
    """Images, at least 1."""
    correct: int
    """The artifact names the right class."""
    reference_correct: int
    """The checkpoint does."""
    only_reference_correct: int
    """The checkpoint does and the artifact does not."""
    only_candidate_correct: int
    """The artifact does and the checkpoint does not."""
    agreeing: int
    """Both name the same class, right or wrong."""
    classes: tuple[ClassCounts, ...] = ()
    """The same for the images of each class; empty where it is not known."""

    def __post_init__(self) -> None:
        """Refuse counts that cannot come from one set of images.

        Raises:
            ValueError: a count is negative, or they contradict each other.
        """
        both = self.correct - self.only_candidate_correct
        holds = (
            self.n >= 1
            and min(both, self.only_reference_correct, self.only_candidate_correct) >= 0
            and self.reference_correct - self.only_reference_correct == both
            and both <= self.agreeing <= self.n - self.only_reference_correct - self.only_candidate_correct
            and all(c.n >= 1 and min(c.lost, c.won) >= 0 and c.lost + c.won <= c.n <= self.n for c in self.classes)
        )
        if not holds:
            raise ValueError(f"these counts cannot come from one set of images: {self}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """All that is known about one artifact."""

    format: str
    """Name of its converter."""
    scheme: str
    """Name of its quantization scheme."""
    size_bytes: int
    """On disk."""
    accuracy: Accuracy | None = None
    """None when it was not run on the test images."""
    accuracy_evidence: Evidence = "measured"
    """How `accuracy` is known: `reference` where the file was evaluated in software."""
    accuracy_missing: str = ""
    """Why `accuracy` is None."""
    latency: tuple[Measurement, ...] = ()
    """Measurements named `latency_ms…`, in milliseconds. One that was taken on a device says which in
    `environment["device"]` (the profile's name) and, if it can, with how many `environment["threads"]`."""
    known: tuple[KnownCost, ...] = ()
    """What else is known of its costs on devices; asked where there are no raw values."""
    settle: str = "a measurement there would settle it"
    """The command that would turn unsure into measured; `{device}` and `{threads}` stand for those of the budget."""
    settle_by_log: str = "a log of a measurement there would settle it"
    """The same for a device that nothing here can reach."""
    peak_memory: tuple[Measurement, ...] = ()
    """Measurements named `peak_memory_mib…`, in 2^20 bytes, one value for each process; device as above."""


def judge_gates(subject: Subject, limits: Mapping[str, float | None]) -> tuple[Verdict, ...]:
    """Judge the artifact's answers on the test images.

    Args:
        subject: the artifact.
        limits: limit of each of `GATES`, ratios 0 to 1; None or absent = not judged.

    Returns:
        One verdict for each limit that is set, in the order of `GATES`; all skipped when there is no accuracy.

    Raises:
        ValueError: a limit whose name is not one of `GATES`.
    """
    if strange := set(limits) - set(GATES):
        raise ValueError(f"unknown gate {min(strange)!r}; known: {', '.join(GATES)}.")
    judges = {
        "min_top1": _min_top1,
        "max_top1_drop": _max_top1_drop,
        "max_class_drop": _max_class_drop,
        "min_agreement": _min_agreement,
    }
    verdicts = []
    for gate in GATES:
        limit = limits.get(gate)
        if limit is None:
            continue
        if subject.accuracy is not None:
            judged = judges[gate](subject.accuracy, limit)
            judged = (*judged[:3], subject.accuracy_evidence, *judged[4:])
        else:
            why = subject.accuracy_missing or "the artifact was not run on the test images."
            judged = ("skipped", None, None, None, why, None)
        verdicts.append(_verdict(subject, None, gate, limit, judged[:5], judged[5]))
    return tuple(verdicts)


def judge_device(subject: Subject, profile: DeviceProfile) -> tuple[Verdict, ...]:
    """Judge what the artifact costs on one device.

    Args:
        subject: the artifact.
        profile: the device.

    Returns:
        One verdict for each figure of the budget that is set; all skipped when the device cannot load the format.

    Raises:
        ValueError: a measurement whose name does not start with the quantity and unit that it is judged as.
    """
    verdicts = []
    for gate in ("latency_p90_ms", "size_mb", "peak_memory_mib"):
        limit: float | None = getattr(profile.budget, gate)
        if limit is None:
            continue
        if subject.format not in profile.format_names:
            why = f"{profile.title} has no runtime for {subject.format}; it loads {', '.join(profile.format_names)}."
            judged: Judged = ("skipped", None, None, None, why)
        elif gate == "size_mb":
            size_mb = subject.size_bytes / 1e6
            why = f"{size_mb:.6g} MB; the budget is {limit:g} MB."
            judged = ("pass" if size_mb <= limit else "fail", size_mb, None, "measured", why)
        else:
            taken = subject.latency if gate == "latency_p90_ms" else subject.peak_memory
            told = subject.settle_by_log if profile.os.family == "ios" else subject.settle  # no connection reaches an iPhone
            settle = told.replace("{device}", profile.name).replace("{threads}", str(profile.threads))
            judged = costs.judge(gate, taken, subject.known, profile, limit, settle)
        verdicts.append(_verdict(subject, profile.name, gate, limit, judged))
    return tuple(verdicts)


def worst(outcomes: Iterable[Outcome]) -> Outcome:
    """Outcome that stands for many.

    Args:
        outcomes: any number of them.

    Returns:
        The first of fail, unsure, pass, skipped that occurs; skipped when there are none.
    """
    return min(outcomes, key=_ORDER.index, default="skipped")


_Judged = tuple[Outcome, float | None, Interval | None, Evidence | None, str, int | None]
"""As `costs.Judged`, and how many images like these would settle what is unsure."""


def _verdict(
    subject: Subject, device: str | None, gate: str, limit: float, judged: Judged, images_needed: int | None = None
) -> Verdict:
    outcome, value, interval, evidence, reason = judged
    return Verdict(
        format=subject.format,
        scheme=subject.scheme,
        device=device,
        gate=gate,
        outcome=outcome,
        value=value,
        interval=interval,
        limit=limit,
        evidence=evidence,
        reason=reason,
        images_needed=images_needed,
    )


def _min_top1(accuracy: Accuracy, limit: float) -> _Judged:
    return _min_share("top-1", accuracy.correct, accuracy.n, limit)


def _min_agreement(accuracy: Accuracy, limit: float) -> _Judged:
    if accuracy.agreeing == accuracy.n:
        bound = none_seen_bound(accuracy.n)
        return _identical("agreement", 1.0, (1.0 - bound, 1.0), accuracy.n, 1.0 - limit)
    return _min_share("agreement", accuracy.agreeing, accuracy.n, limit)


def _max_top1_drop(accuracy: Accuracy, limit: float) -> _Judged:
    lost, won, images = accuracy.only_reference_correct, accuracy.only_candidate_correct, accuracy.n
    return _drop(lost, won, images - accuracy.agreeing, images, limit)


def images_to_resolve(lost: int, won: int, changed: int, images: int, allowed: float) -> int | None:
    """Count the images it takes to decide whether a file's top-1 drops by at most `allowed`.

    Args:
        lost: images right by the checkpoint alone.
        won: images right by the file alone.
        changed: images of another answer, right or wrong.
        images: all, at least 1.
        allowed: largest drop, 0 to 1.

    Returns:
        Where these images leave it unsure, what the gate's verdict says; else see `paired.images_to_resolve`. None: no number.
    """
    outcome, *_, needed = _drop(lost, won, changed, images, allowed)
    return needed if outcome == "unsure" else paired.images_to_resolve(lost, won, images, allowed)


def _drop(lost: int, won: int, changed: int, images: int, limit: float) -> _Judged:
    interval = paired.drop_interval(lost, won, images)
    if not changed:
        return _identical("top-1 drop", 0.0, interval, images, limit)

    def planned(n: float) -> Interval:
        return paired.drop_interval(lost * n / images, won * n / images, n)

    settled = _images_that_exclude(limit) if lost == won == 0 else _images_that_settle(planned, images, limit)
    return _decide("top-1 drop", (lost - won) / images, interval, images, limit, False, settled)


def _max_class_drop(accuracy: Accuracy, limit: float) -> _Judged:
    worst_one, images = paired.worst_class(accuracy.classes), accuracy.n
    if worst_one is None:
        return "skipped", None, None, None, "the answers are not known class by class.", None

    def planned(n: float) -> Interval:
        found = paired.worst_class(accuracy.classes, scale=n / images)
        return found.interval if found is not None else (0.0, 1.0)

    low, high = worst_one.interval
    settled = _images_that_settle(planned, images, limit) if low <= limit < high else (0, "")
    seen = f"{worst_one.name}, {worst_one.n} images" if worst_one.drop > 0 else "none loses"
    what = f"largest drop of {worst_one.classes} classes ({seen})"
    return _decide(what, worst_one.drop, worst_one.interval, images, limit, False, settled)


def _min_share(what: str, count: int, images: int, limit: float) -> _Judged:
    interval = wilson_interval(count, images)
    if count in (0, images):
        bound = none_seen_bound(images)
        interval = (1.0 - bound, 1.0) if count else (0.0, bound)

    def planned(n: float) -> Interval:
        return wilson_interval(count * n / images, n)

    settled = _images_that_exclude(1.0 - limit) if count == images else _images_that_settle(planned, images, limit)
    return _decide(what, count / images, interval, images, limit, True, settled)


def _identical(what: str, value: float, interval: Interval, images: int, allowed: float) -> _Judged:
    """Judge the artifact that gave the checkpoint's answer on every image; `allowed` is the share that may change."""
    excluded, needed = none_seen_bound(images), max(allowed, IDENTITY_RESOLUTION)
    seen = f"{what} {value:.2%}: the same answer as the checkpoint on all {images} images"
    if excluded <= needed:
        why = f"{seen}, which excludes that more than {excluded:.2%} of the answers change (95 %)."
        return "pass", value, interval, "measured", why, None
    number, settled = _images_that_exclude(needed)
    why = f"{seen}, too few to exclude that {excluded:.2%} of the answers change; {settled}."
    return "unsure", value, interval, "measured", why, number


def _decide(
    what: str, value: float, interval: Interval, images: int, limit: float, at_least: bool, settled: tuple[int | None, str]
) -> _Judged:
    low, high = interval
    good, bad = (low >= limit, high < limit) if at_least else (high <= limit, low > limit)
    figure = f"{what} {value:.2%} on {images} images, 95 % interval {low:.2%} to {high:.2%}"
    must = f"{'at least' if at_least else 'at most'} {limit:.2%}"
    if good or bad:
        return "pass" if good else "fail", value, interval, "measured", f"{figure}; must be {must}.", None
    why = f"{figure}, straddles the limit of {must}; {settled[1]}."
    return "unsure", value, interval, "measured", why, settled[0]


def _images_that_settle(planned: Callable[[float], Interval], images: int, limit: float) -> tuple[int | None, str]:
    """Say how many images would put the interval on one side, if their answers came in the same proportions."""
    enough = float(images)
    while (interval := planned(enough))[0] <= limit <= interval[1]:
        enough *= 1.05
        if enough > _LARGEST_SAMPLE:
            return None, "the figure lies so near the limit that no test set would settle it"
    return _like_these(enough)


def _images_that_exclude(share: float) -> tuple[int | None, str]:
    """Say how many images must not show something before more than `share` of it is excluded at 95 %."""
    if not 0.0 < share < 1.0:
        return None, "no number of images can prove so strict a limit"
    return _like_these(trials_that_exclude(share))


def _like_these(number: float) -> tuple[int, str]:
    rounded = paired.rounded_up(number)
    return rounded, f"about {rounded:,} images like these would settle it"
