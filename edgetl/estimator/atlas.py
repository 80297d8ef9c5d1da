"""All that is known of a pool, ready to be asked: its rows, and the calibrations that the profiles hold.

Input: devices/measurements/<pool>.csv and the profiles. Output: an `Atlas` for each pool. Nothing is fitted here.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgetl import places
from edgetl.calibrations import Calibrated, load_calibrations
from edgetl.devices import DeviceProfile, device_names, load_device
from edgetl.errors import InputError
from edgetl.estimator import pool as pools
from edgetl.estimator import roofline
from edgetl.estimator.calibrate import Calibration
from edgetl.estimator.residual import Residual, Strengths
from edgetl.estimator.rows import Row, Setting, read_rows
from edgetl.estimator.terms import TERMS
from edgetl.types import to_json
from edgetl.yamlfile import read_yaml

if TYPE_CHECKING:
    import numpy as np

LEARNED = "pools.yaml"
"""Beside the rows: the usual shapes and the strengths of each pool."""


@dataclass(frozen=True, slots=True)
class Known:
    """A profile and its calibrations."""

    profile: DeviceProfile
    calibrations: tuple[Calibrated, ...]

    def settings(self) -> dict[Setting, Calibrated]:
        """Calibrations by what they are of."""
        return {setting_of(one): one for one in self.calibrations}


@dataclass(frozen=True, slots=True)
class Atlas:
    """A pool, calibrated, and what its profiles are."""

    calibration: Calibration
    residual: Residual
    missed: np.ndarray
    """float64 (N,), log(measured / roofline) of the pool's rows."""
    families: dict[Setting, frozenset[str]]
    """Families of networks among each setting's rows."""


def setting_of(one: Calibrated) -> Setting:
    """What a calibration is of."""
    return Setting(
        device=one.measured_as,
        runtime=one.runtime,
        runtime_version=one.runtime_version,
        accelerator=one.accelerator,
        threads=one.threads,
        precision=one.precision,
    )


def measurements() -> Path:
    """Folder of the rows that come with edgetl."""
    return places.shipped("devices") / "measurements"


@functools.cache
def known_devices() -> dict[str, Known]:
    """Every profile that comes with edgetl, by name."""
    return {name: Known(load_device(name), load_calibrations(name)) for name in device_names()}


@functools.cache
def profiles_by_published_name() -> dict[str, DeviceProfile]:
    """Profiles by the names that tables of rows give their devices."""
    return {name: known.profile for known in known_devices().values() for name in known.profile.measured_as}


@functools.cache
def learned() -> dict[str, Any]:
    """Shapes and strengths of every pool: {pool: {"strengths": {…}, "shapes": {precision: [log cost, …]}}}."""
    value = read_yaml(measurements() / LEARNED).value
    return dict(value["pools"])


def pool_names() -> tuple[str, ...]:
    """Pools that come with edgetl."""
    return tuple(sorted(path.stem for path in measurements().glob("*.csv")))


def shipped_rows(pool: str) -> tuple[Row, ...]:
    """Rows of one pool, versions dropped where the pool does not tell them apart."""
    path = measurements() / f"{pool}.csv"
    return unversioned(read_rows(path)) if path.is_file() else ()


def unversioned(rows: Sequence[Row]) -> tuple[Row, ...]:
    """Rows with the settings that calibrations are of."""
    return tuple(replace(row, setting=pools.without_version(row.setting)) for row in rows)


def open_atlas(pool: str, extra: tuple[tuple[Row, ...], Known] | None = None) -> Atlas:
    """Gather what is known of a pool.

    Args:
        pool: its name.
        extra: rows and profile of the user's own, which join the pool; they replace what is known of a device of the same name.

    Returns:
        The atlas.

    Raises:
        InputError: there are no rows, or a calibration is missing for some.
    """
    import numpy as np

    known = [*known_devices().values(), *([extra[1]] if extra else [])]
    stored = {setting: one for device in known for setting, one in device.settings().items()}
    given = tuple(r for r in (extra[0] if extra else ()) if pools.pool_of(r.setting) == pool)
    replaced = extra[1].profile.measured_as if extra else ()
    shipped = [row for row in shipped_rows(pool) if row.setting.device not in replaced]
    rows = [row for row in (*shipped, *given) if row.setting in stored]
    if not rows:
        raise InputError(f"no calibrated row of the pool {pool!r}.")
    built = pools.build(pool, rows)
    learned_here = learned().get(pool, {"strengths": {}, "shapes": {"": roofline.FIRST_SHAPE}})
    shapes = {precision: np.array(shape) for precision, shape in learned_here["shapes"].items()}
    strengths = Strengths(**learned_here["strengths"])
    fits, noise = [], []
    for number, setting in enumerate(built.settings):
        at = np.flatnonzero(built.points.setting == number)
        one = stored[setting]
        costs = np.log([to_json(one.costs)[name] for name in TERMS])
        fits.append(roofline.stored(costs, built.work[at], doubt=built.doubt[at], sigma=one.noise))
        noise.append(one.noise)
    calibration = Calibration(built, shapes, strengths, tuple(fits), np.array(noise))
    return Atlas(
        calibration=calibration,
        residual=calibration.residual(),
        missed=calibration.missed(),
        families={
            setting: frozenset(built.families[built.points.setting == number]) for number, setting in enumerate(built.settings)
        },
    )
