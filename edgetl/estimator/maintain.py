"""Calibrate every profile that comes with edgetl; for maintainers, after rows or the estimator changed."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import asdict

from edgetl.calibrations import Calibrated, write_calibrations
from edgetl.devices import device_names, load_device, profile_path
from edgetl.estimator import atlas as atlases
from edgetl.estimator import publish
from edgetl.estimator.residual import Strengths

HEAD = "# Written by `edgetl device calibrate` from the rows beside it; not by hand. See edgetl/estimator.\n"


def calibrate_all(tell: Callable[[str], None], *, learn: bool = True) -> dict[str, int]:
    """Calibrate all pools, replace the calibrations of all profiles and `pools.yaml`.

    Args:
        tell: called with what is being done.
        learn: learn strengths anew (minutes a pool); else take those of `pools.yaml`.

    Returns:
        Calibrated settings by pool.
    """
    import yaml

    published = {}
    for pool in atlases.pool_names():
        strengths = None if learn else Strengths(**atlases.learned()[pool]["strengths"])
        published[pool] = publish.publish(pool, atlases.shipped_rows(pool), strengths, tell)
    learned = {
        pool: {
            "strengths": {name: _short(value) for name, value in asdict(found.calibration.strengths).items()},
            "shapes": {p: [_short(v) for v in shape] for p, shape in found.calibration.shapes.items()},
        }
        for pool, found in published.items()
    }
    text = HEAD + yaml.safe_dump({"pools": learned}, sort_keys=True, width=130, default_flow_style=None)
    path = atlases.measurements() / atlases.LEARNED
    draft = path.with_name(f".{path.name}")
    draft.write_text(text, encoding="utf-8")
    os.replace(draft, path)
    by_device: dict[str, list[Calibrated]] = {}
    for found in published.values():
        for one in found.calibrated.values():
            by_device.setdefault(one.measured_as, []).append(one)
    for name in device_names():
        own = [one for published_name in load_device(name).measured_as for one in by_device.get(published_name, [])]
        write_calibrations(profile_path(name), tuple(own))
    return {pool: len(found.calibrated) for pool, found in published.items()}


def _short(value: float) -> float:
    return float(f"{float(value):.4g}")
