"""Judge the estimator on the rows that come with edgetl: what `edgetl device crossval` prints."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from edgetl.calibrations import Calibrated, Figures, LeftOut
from edgetl.estimator import atlas as atlases
from edgetl.estimator import baselines, crossval, publish, transfer
from edgetl.estimator.confidence import USUAL_WIDEN
from edgetl.estimator.residual import Strengths

if TYPE_CHECKING:
    import numpy as np

QUESTIONS = ("models", "families", "families_known_elsewhere", "devices")
"""What is left out: each network from all devices; each family from all devices; each family from one setting at a time; each
device."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolReport:
    """One pool."""

    pool: str
    rows: int
    settings: int
    left_out: dict[str, LeftOut]
    """By question of `QUESTIONS`, over all rows of the pool."""
    calibrations: tuple[tuple[str, Calibrated], ...]
    """Name of the profile and its calibration, computed anew."""


def crossval_pool(pool: str, device: str | None, tell: Callable[[str], None]) -> PoolReport:
    """Leave out everything in turn.

    Args:
        pool: its name.
        device: profile whose calibrations are listed and whose rows are judged; None = all.
        tell: called with what is being done.

    Returns:
        The figures.
    """
    import numpy as np

    strengths = Strengths(**atlases.learned()[pool]["strengths"])
    published = publish.publish(pool, atlases.shipped_rows(pool), strengths, tell)
    calibration, shown = published.calibration, published.confidence
    tell(f"{pool}: leaving devices out")
    profiles = atlases.profiles_by_published_name()
    devices = transfer.leave_devices_out(calibration, profiles)
    built = calibration.pool
    owner = [profiles[setting.device].name if setting.device in profiles else setting.device for setting in built.settings]
    chosen = np.array([device is None or owner[number] == device for number in built.points.setting])
    models = [f"{row.model} {row.alpha} {row.input_px}" for row in built.rows]
    families = list(built.families)
    of_setting = built.points.setting
    asked = {
        "models": (shown.left_out["model"].mean, shown.half_width("model", "near", of_setting), models),
        "families": (shown.left_out["family"].mean, shown.half_width("family", "unseen", of_setting), families),
        "families_known_elsewhere": (
            shown.left_out["family_here"].mean,
            shown.half_width("family_here", "elsewhere", of_setting),
            families,
        ),
        "devices": (devices.mean, USUAL_WIDEN * devices.deviation, None),
    }
    left_out = {}
    for question, (mean, half_width, groups) in asked.items():
        own = _figures(mean[chosen], built.log_latency[chosen], half_width[chosen])
        if own is None:
            continue
        plain = [] if groups is None else [baselines.ns_per_mac(built, groups), baselines.log_linear(built, groups)]
        others = [_figures(values[chosen], built.log_latency[chosen], None) for values in plain] or [None, None]
        left_out[question] = LeftOut(estimator=own, ns_per_mac=others[0], log_linear=others[1])
    listed = tuple(
        (owner[number], published.calibrated[setting])
        for number, setting in enumerate(built.settings)
        if device is None or owner[number] == device
    )
    settings = len(listed)
    return PoolReport(pool=pool, rows=int(chosen.sum()), settings=settings, left_out=left_out, calibrations=listed)


def _figures(mean: np.ndarray, measured: np.ndarray, half_width: np.ndarray | None) -> Figures | None:
    return publish.figures(crossval.error(mean, measured, half_width), covers=half_width is not None)


def pools_of(device: str | None) -> tuple[str, ...]:
    """Pools in which a profile was measured; all for None."""
    from edgetl.estimator import pool as pools

    if device is None:
        return atlases.pool_names()
    found = {pools.pool_of(setting) for setting in atlases.known_devices()[device].settings()}
    return tuple(sorted(found))
