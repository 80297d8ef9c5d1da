"""Leave whole devices out: what an estimate is worth on a device that nobody measured."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from edgetl.devices import DeviceProfile
from edgetl.estimator import hardware
from edgetl.estimator.calibrate import Calibration
from edgetl.estimator.crossval import LeftOut
from edgetl.estimator.rows import Setting

if TYPE_CHECKING:
    import numpy as np

SHAPE_DEVIATION = 0.25
"""What a device's own proportions of costs may differ from the usual, in the logarithm of a latency, where no row shows them.
Source: scatter of the TFLite boards about the usual shape, speed taken out."""


def speed_of(log_costs: np.ndarray, shape: np.ndarray) -> float:
    """How slow a setting is as a whole: the mean logarithm of its costs of work, above the usual shape's."""
    return float(log_costs[2:].mean() - shape[2:].mean())


def known_speeds(
    calibration: Calibration, profiles: Mapping[str, DeviceProfile], precision: str, without: str = ""
) -> list[tuple[DeviceProfile, Setting, float]]:
    """Speeds of a pool's settings at a precision.

    Args:
        calibration: of the pool.
        profiles: by published name.
        precision: of the settings.
        without: name of a profile to leave out.

    Returns:
        Profile, setting and log cost, as `hardware.carry_over` takes them.
    """
    shape = calibration.shape(precision)
    return [
        (profiles[setting.device], setting, speed_of(fit.log_costs, shape))
        for setting, fit in zip(calibration.pool.settings, calibration.fits, strict=True)
        if setting.precision == precision and setting.device in profiles and profiles[setting.device].name != without
    ]


def leave_devices_out(calibration: Calibration, profiles: Mapping[str, DeviceProfile]) -> LeftOut:
    """Predict every row from the rows of other devices only.

    Args:
        calibration: of the pool.
        profiles: by published name.

    Returns:
        The predictions; NaN where no other device was measured at the precision.
    """
    import numpy as np

    pool = calibration.pool
    process, whole = calibration.residual(), calibration.missed()
    count = len(pool.rows)
    mean, variance = np.full(count, np.nan), np.full(count, np.nan)
    owner = np.array([profiles[s.device].name if s.device in profiles else s.device for s in pool.settings])
    for name in np.unique(owner):
        numbers = np.flatnonzero(owner == name)
        missed, doubt, lost = whole.copy(), np.zeros(count), np.isin(pool.points.setting, numbers)
        told = np.zeros(count, bool)
        for number in numbers:
            setting = pool.settings[number]
            if setting.device not in profiles:
                continue
            others = known_speeds(calibration, profiles, setting.precision, without=str(name))
            speed = hardware.carry_over(profiles[setting.device], setting, others)
            if speed is None:
                continue
            at = pool.points.setting == number
            shape = calibration.shape(setting.precision)
            missed[at] = pool.log_latency[at] - np.log(pool.work[at] @ np.exp(shape + speed.log_cost))
            doubt[at] = speed.deviation**2 + SHAPE_DEVIATION**2
            told |= at
        rows = np.flatnonzero(lost)
        expected, spread = process.without(rows, missed)
        keep = told[rows]
        out = rows[keep]
        mean[out] = pool.log_latency[out] - missed[out] + expected[keep]
        variance[out] = spread[keep] + doubt[out]
    return LeftOut(mean, np.sqrt(variance))
