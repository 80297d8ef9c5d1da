"""Calibrate from rows and put the result into records that profiles hold."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from edgetl.calibrations import Calibrated, Costs, Domain, Figures, LeftOut, Widen
from edgetl.estimator import baselines, confidence, crossval
from edgetl.estimator.calibrate import Calibration, calibrate
from edgetl.estimator.confidence import Confidence
from edgetl.estimator.pool import build
from edgetl.estimator.residual import Strengths
from edgetl.estimator.rows import Row, Setting
from edgetl.estimator.terms import KINDS, TERMS, macs_m
from edgetl.stats import wilson_interval

if TYPE_CHECKING:
    import numpy as np

MIN_JUDGED_ROWS = 10
"""Fewest predicted rows of a setting for which errors are told."""
GOALS = {"cpu": (0.08, 0.15), "npu": (0.20, None)}
"""Largest median error with networks and with families left out, by processor; a calibration that misses one says so."""
COVERAGE_GOAL = (0.85, 0.97)
"""Share of networks left out that 90 % intervals should hold; missed where chance alone (95 %) does not explain it."""


@dataclass(frozen=True, slots=True)
class Published:
    """A pool, calibrated and judged."""

    calibration: Calibration
    confidence: Confidence
    calibrated: dict[Setting, Calibrated]


def publish(
    pool: str, rows: Sequence[Row], strengths: Strengths | None = None, tell: Callable[[str], None] = lambda text: None
) -> Published:
    """Calibrate a pool and judge each setting.

    Args:
        pool: its name.
        rows: its rows.
        strengths: where they are known; None = learn them, which takes minutes.
        tell: called with what is being done.

    Returns:
        One record for each setting.
    """
    calibration = calibrate(build(pool, rows), strengths, tell)
    tell(f"{pool}: leaving out what is predicted")
    shown = confidence.measure(calibration)
    built = calibration.pool
    models = [f"{row.model} {row.alpha} {row.input_px}" for row in built.rows]
    families = list(built.families)
    plain = {
        "model": (baselines.ns_per_mac(built, models), baselines.log_linear(built, models)),
        "family": (baselines.ns_per_mac(built, families), baselines.log_linear(built, families)),
    }
    return Published(
        calibration,
        shown,
        {setting: _record(calibration, shown, plain, number) for number, setting in enumerate(built.settings)},
    )


def _record(
    calibration: Calibration, shown: Confidence, plain: dict[str, tuple[np.ndarray, np.ndarray]], number: int
) -> Calibrated:
    import numpy as np

    pool, setting = calibration.pool, calibration.pool.settings[number]
    at = pool.at(setting)
    rows = [pool.rows[index] for index in at]
    work = pool.work[at]
    costs = np.exp(calibration.fits[number].log_costs)
    names = list(TERMS)
    kinds = [kind for kind in KINDS if work[:, names.index(kind)].any()]
    sizes = macs_m(work)
    sides = [row.input_px or round(float(np.exp(pool.points.place[index, 4] / 1.5))) for row, index in zip(rows, at, strict=True)]
    left_out = {
        question: _left_out(calibration, shown, plain[question], at, question, known)
        for question, known in (("model", "near"), ("family", "unseen"))
    }
    return Calibrated(
        measured_as=setting.device,
        runtime=setting.runtime,
        runtime_version=setting.runtime_version,
        accelerator=setting.accelerator,
        threads=setting.threads,
        precision=setting.precision,
        rows=len(rows),
        networks=len({(row.model, row.alpha, row.input_px) for row in rows}),
        sources=tuple(sorted({row.source or "own measurements" for row in rows})),
        costs=Costs(**dict(zip(TERMS, (_short(c) for c in costs), strict=True))),
        noise=_short(calibration.noise[number]),
        widen=Widen(**{known: _short(values[number]) for known, values in shown.widen.items()}),
        models_left_out=left_out["model"],
        families_left_out=left_out["family"],
        domain=Domain(
            kinds=tuple(kinds),
            macs_m=(_short(min(sizes)), _short(max(sizes))),
            input_px=(float(min(sides)), float(max(sides))),
            families=tuple(sorted({str(family) for family in pool.families[at]})),
        ),
        misses=_misses(setting, left_out["model"], left_out["family"]),
    )


def _left_out(
    calibration: Calibration, shown: Confidence, plain: tuple[np.ndarray, np.ndarray], at: np.ndarray, question: str, known: str
) -> LeftOut | None:
    import numpy as np

    pool, found = calibration.pool, shown.left_out[question]
    here = at[~np.isnan(found.mean[at])]
    if len(here) < MIN_JUDGED_ROWS:
        return None
    widen = shown.widen[known][pool.points.setting[here]]  # type: ignore[index]
    own = figures(crossval.error(found.mean[here], pool.log_latency[here], found.deviation[here] * widen), covers=True)
    others = [figures(crossval.error(values[here], pool.log_latency[here]), covers=False) for values in plain]
    assert own is not None
    return LeftOut(estimator=own, ns_per_mac=others[0], log_linear=others[1])


def figures(found: crossval.Error | None, *, covers: bool) -> Figures | None:
    """Put errors into the record of a profile; figures that would be 0 are told as a ten-thousandth."""
    if found is None:
        return None
    return Figures(
        rows=found.rows,
        median=min(max(1e-4, _short(found.median)), 1e6),
        p90=min(max(1e-4, _short(found.p90)), 1e6),
        within_10=_short(found.within_10),
        within_20=_short(found.within_20),
        rank=_short(found.rank),
        covered=_short(found.covered) if covers else None,
    )


def _misses(setting: Setting, models: LeftOut | None, families: LeftOut | None) -> tuple[str, ...]:
    """What a setting does not reach, in words."""
    goals = GOALS.get(setting.accelerator.partition(" ")[0])
    found = []
    if models is None:
        return ("too few rows to leave any out: its error is not known, its intervals are those of its pool",)
    for what, left, goal in (("networks", models, goals and goals[0]), ("families", families, goals and goals[1])):
        if left is None:
            continue
        median = left.estimator.median
        if goal is not None and median > goal:
            found.append(f"median error with {what} left out is {median:.1%}, above {goal:.0%}")
        for name, other in (("constant time a multiply-accumulate", left.ns_per_mac), ("a log-linear fit", left.log_linear)):
            if other is not None and median >= other.median:
                found.append(f"with {what} left out, {name} is no worse ({other.median:.1%} against {median:.1%})")
    covered = models.estimator.covered or 0.0
    low, high = wilson_interval(covered * models.estimator.rows, models.estimator.rows)
    if high < COVERAGE_GOAL[0] or low > COVERAGE_GOAL[1]:
        found.append(f"its 90 % intervals hold {covered:.0%} of the networks left out")
    return tuple(found)


def _short(value: float) -> float:
    return float(f"{float(value):.4g}")
