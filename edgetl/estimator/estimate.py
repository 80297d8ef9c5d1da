"""Answer a question: how long does this network take on that device, between which bounds, and how is that known.

An answer is always one of two: a latency with a 90 % interval and the reason for both, or no latency and the reason for that.
"""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from edgetl.calibrations import Domain
from edgetl.devices import DeviceProfile
from edgetl.errors import InputError
from edgetl.estimator import atlas as atlases
from edgetl.estimator import hardware, matching, transfer
from edgetl.estimator import pool as pools
from edgetl.estimator.atlas import Atlas, Known
from edgetl.estimator.confidence import USUAL_WIDEN
from edgetl.estimator.pool import Place
from edgetl.estimator.rows import Row, Setting
from edgetl.estimator.terms import KINDS, TERMS, macs_m
from edgetl.types import Evidence

if TYPE_CHECKING:
    import numpy as np

BEYOND = 1.25
"""How far beyond the smallest and largest network of its rows a calibration is taken to hold."""
OUTSIDE_DEVIATION, BEYOND_DEVIATION = 0.15, 0.3
"""What each way of being outside the calibration adds, of the logarithm; and what each e-fold beyond its smallest or largest
network adds. Our choice."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What is asked."""

    device: DeviceProfile
    setting: Setting
    """Its device is a published name of the profile, or the profile's own; empty texts and 0 threads: any."""
    precisions: tuple[str, ...]
    """Acceptable ones, the best first."""
    place: Place
    """The network."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """The answer."""

    latency_ms: float | None
    """Median of one inference, in milliseconds."""
    interval: tuple[float, float] | None
    """90 % of measurements of this network on this setting should lie in it."""
    evidence: Evidence | None
    """"estimated"; None where there is no latency."""
    reason: str
    """How it is known, or why it is not."""
    outside: tuple[str, ...] = ()
    """In what the question lies outside of the calibration; empty = inside."""
    setting: Setting | None = None
    """The calibration that spoke."""


def nothing(reason: str) -> Estimate:
    """No latency, and why."""
    return Estimate(latency_ms=None, interval=None, evidence=None, reason=reason)


MOST_CANDIDATES = 8
"""Calibrations that are asked where none fits a question exactly, or the question lies outside of the one that does: the one that
knows best, by the width of its interval, speaks."""


def _width(answer: Estimate) -> float:
    return math.inf if answer.interval is None else round(answer.interval[1] / answer.interval[0], 3)


class Estimator:
    """Keeps the atlases that were opened: the first question to a pool costs a second, the next ones nothing."""

    def __init__(self, extra: tuple[tuple[Row, ...], Known] | None = None) -> None:
        """Begin.

        Args:
            extra: rows and profile of the user's own.
        """
        self._extra = extra
        self._atlases: dict[str, Atlas | None] = {}

    def known(self, profile: DeviceProfile) -> Known:
        """A profile with its calibrations."""
        if self._extra and self._extra[1].profile.name == profile.name:
            return self._extra[1]
        shipped = atlases.known_devices()
        if profile.name in shipped:
            return shipped[profile.name]
        owner = next((atlases.profiles_by_published_name().get(name) for name in profile.measured_as), None)  # a copy, renamed
        return shipped[owner.name] if owner is not None else Known(profile, ())

    def answer(self, question: Question) -> Estimate:
        """Estimate.

        Args:
            question: what is asked.

        Returns:
            The answer; never raises for a question that cannot be answered.
        """
        pool = pools.pool_of(question.setting)
        atlas = self._atlas(pool)
        runtime, accelerator = question.setting.runtime, question.setting.accelerator
        if atlas is None:
            return nothing(f"nothing was measured with {runtime} on the {accelerator} of any device.")
        known = self.known(question.device).settings()
        cores = question.device.cpu.cores if question.device.cpu else question.device.threads
        if not question.precisions:
            return nothing("no published table measures such arithmetic.")
        refused = _impossible(question.device, pool, accelerator, question.setting.threads)
        if refused and not any(pools.pool_of(s) == pool for s in known):
            return nothing(refused)
        if accelerator.startswith("cpu") and question.setting.threads > cores:
            return nothing(f"{question.device.name} has {cores} cores; {question.setting.threads} threads do not run at once.")
        found = matching.matches(question.setting, known, question.precisions, cores)
        exact = [match for match in found if match.deviation == 0.0]
        for some in (exact, found[:MOST_CANDIDATES]):
            answers = [_inside(atlas, question, match, self.known(question.device)) for match in some]
            best = min(answers, key=_width, default=None)
            if best is not None and (not best.outside or some is not exact):
                return best
        if matching.OLDEST.match(question.setting.runtime_version):
            version = question.setting.runtime_version
            return nothing(
                f"{runtime} {version} is from before 2020 and was not calibrated; newer versions are two to five times faster."
            )
        if any(pools.pool_of(s) == pool for s in known):
            there = sorted({f"{s.precision} ({s.runtime_version or 'any version'})" for s in known if pools.pool_of(s) == pool})
            asked = "/".join(question.precisions) + (f" ({v})" if (v := question.setting.runtime_version) else "")
            return nothing(
                f"{question.device.name} was measured with {runtime} on the {accelerator} as {', '.join(there)}; not as {asked}."
            )
        return _carried(atlas, question)

    def _atlas(self, pool: str) -> Atlas | None:
        if self._extra is None:
            return _shipped(pool)
        if pool not in self._atlases:
            self._atlases[pool] = _opened(pool, self._extra)
        return self._atlases[pool]


def _opened(pool: str, extra: tuple[tuple[Row, ...], Known] | None) -> Atlas | None:
    try:
        return atlases.open_atlas(pool, extra)
    except InputError:
        return None


@functools.cache
def _shipped(pool: str) -> Atlas | None:
    return _opened(pool, None)


def _inside(atlas: Atlas, question: Question, found: matching.Match, known: Known) -> Estimate:
    """Ask a calibration of the device itself."""
    calibration, pool = atlas.calibration, atlas.calibration.pool
    number = pool.settings.index(found.setting)
    fit, place = calibration.fits[number], question.place
    work = place.work[None]
    mean, spread = atlas.residual.predict(pool.points_of([(place, found.setting)]), atlas.missed)
    one = known.settings()[found.setting]
    outside = _outside(place, one.domain)
    level = "near" if place.family in atlas.families[found.setting] else "elsewhere"
    if level == "elsewhere" and not any(place.family in families for families in atlas.families.values()):
        level = "unseen"
    variance = float(spread[0] + fit.variance(work)[0]) + calibration.noise_of_a_new_row(number) ** 2
    more = found.deviation**2 + (len(outside) * OUTSIDE_DEVIATION + _beyond(place, one.domain) * BEYOND_DEVIATION) ** 2
    widen = getattr(one.widen, level)
    half = math.sqrt(widen**2 * variance + USUAL_WIDEN**2 * more)
    center = float(fit.predict(work)[0] + mean[0]) + found.log_factor
    told = [f"calibrated on {one.rows} rows of {_listed(one.sources)} for {_words(found.setting)}", *found.because]
    told.append(
        {
            "near": f"{place.family} was measured there",
            "elsewhere": f"{place.family} was measured on other devices only",
            "unseen": f"{place.family} was measured nowhere" if place.family else "nothing quite like it was measured",
        }[level]
    )
    if outside:
        told.append(f"outside calibration: {', '.join(outside)}")
    return _answer(center, half, "; ".join(told) + ".", outside, found.setting)


def _impossible(profile: DeviceProfile, pool: str, accelerator: str, threads: int) -> str:
    """Why nothing may be carried over to a device that was not measured in a pool; "" where it may."""
    kind = accelerator.partition(" ")[0]
    if pool.startswith("coreml"):
        return "" if "coreml" in profile.format_names else f"{profile.name} does not run Core ML."
    if kind == "cpu":
        return ""
    chip = profile.soc.name.lower()
    if pool == "qualcomm_npu" and kind in {a.kind for a in profile.accelerators} and ("qualcomm" in chip or "snapdragon" in chip):
        return ""
    return f"nothing was measured with this runtime on the {kind} of {profile.name}, and its speed cannot be told from others'."


def _carried(atlas: Atlas, question: Question) -> Estimate:
    """No row of the device in this pool: carry the speed of others over."""
    import numpy as np

    calibration = atlas.calibration
    for precision in question.precisions:
        shape = calibration.shapes.get(precision)
        if shape is None:
            continue
        others = transfer.known_speeds(calibration, atlases.profiles_by_published_name(), precision)
        asked = Setting(**{**{n: getattr(question.setting, n) for n in Setting.__slots__}, "precision": precision})
        speed = hardware.carry_over(question.device, asked, others)
        if speed is None:
            continue
        work = question.place.work
        mean, spread = atlas.residual.predict(calibration.pool.points_of([(question.place, asked)]), atlas.missed)
        center = float(np.log(work @ np.exp(shape + speed.log_cost)) + mean[0])
        doubts = (speed.deviation, transfer.SHAPE_DEVIATION, calibration.strengths.noise, math.sqrt(float(spread[0])))
        half = USUAL_WIDEN * math.sqrt(sum(d**2 for d in doubts))
        reason = (
            f"nothing was measured on {question.device.name} with {question.setting.runtime} on the "
            f"{question.setting.accelerator}: its speed was carried over from {_listed(speed.devices)} by what the cores can do."
        )
        return _answer(center, half, reason, ("device",), None)
    return nothing(
        f"nothing was measured on {question.device.name} with {question.setting.runtime} on the {question.setting.accelerator}, "
        f"and nothing like it as {'/'.join(question.precisions)}."
    )


def _answer(center: float, half: float, reason: str, outside: tuple[str, ...], setting: Setting | None) -> Estimate:
    low, middle, high = (float(f"{math.exp(value):.4g}") for value in (center - half, center, center + half))
    return Estimate(
        latency_ms=middle, interval=(low, high), evidence="estimated", reason=reason, outside=outside, setting=setting
    )


def _outside(place: Place, domain: Domain) -> tuple[str, ...]:
    """In what a network lies beyond what a calibration's rows show."""
    kinds = [name for name in _kinds_of(place.work) if name not in domain.kinds]
    found = [f"no row has {kind} layers" for kind in kinds]
    for name, value, (low, high), unit in (
        ("multiply-accumulates", float(macs_m(place.work)), domain.macs_m, "million "),
        ("input", float(place.network[2]), domain.input_px, "px "),
    ):
        if not low / BEYOND <= value <= high * BEYOND:
            found.append(f"{value:.0f} {unit}{name}, rows have {low:.0f} to {high:.0f}")
    return tuple(found)


def _beyond(place: Place, domain: Domain) -> float:
    """E-folds by which a network's size and input lie beyond those of a calibration's rows."""
    sizes = ((float(macs_m(place.work)), domain.macs_m), (float(place.network[2]), domain.input_px))
    return sum(max(0.0, math.log(low / value), math.log(value / high)) for value, (low, high) in sizes)


def _kinds_of(work: np.ndarray) -> tuple[str, ...]:
    names = list(TERMS)
    return tuple(kind for kind in KINDS if work[names.index(kind)] > 0)


def _listed(names: tuple[str, ...]) -> str:
    shown = ", ".join(names[:3])
    return f"{shown} and {len(names) - 3} more" if len(names) > 3 else shown


def _words(setting: Setting) -> str:
    version = f" {setting.runtime_version}" if setting.runtime_version else ""
    threads = f", {setting.threads} thread{'s' * (setting.threads > 1)}" if setting.threads else ""
    return f"{setting.runtime}{version} on the {setting.accelerator} at {setting.precision}{threads}"
