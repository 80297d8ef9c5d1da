"""How fast a processor ought to be, from what it is: the only thing known of a device that nobody measured.

A setting's costs are the usual shape times its speed. Where no row tells the speed, it is carried over from the devices of the
pool, by the ratio of what their cores can do in a second; cores of the same design count most.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from edgetl.devices import DeviceProfile
from edgetl.estimator.rows import Setting

_LANES = {
    "Cortex-A5": 1, "Cortex-A7": 1, "Cortex-A9": 2, "Cortex-A15": 4, "Cortex-A17": 4, "Cortex-A35": 2, "Cortex-A53": 2,
    "Cortex-A55": 3, "Cortex-A57": 4, "Cortex-A72": 4, "Cortex-A73": 4, "Cortex-A75": 5, "Cortex-A76": 8, "Cortex-A77": 8,
    "Cortex-A78": 8, "Cortex-A78AE": 8, "Cortex-A78C": 8, "Cortex-A710": 8, "Cortex-A715": 8, "Cortex-A720": 8, "Cortex-A510": 4,
    "Cortex-A520": 4, "Cortex-X1": 16, "Cortex-X2": 16, "Cortex-X3": 16, "Cortex-X4": 16, "Carmel": 8, "Firestorm": 16,
    "Avalanche": 16, "Everest": 16, "Icestorm": 8, "Blizzard": 8, "Sawtooth": 8,
}  # fmt: skip
"""float32 multiply-adds in a cycle: vector pipes x lanes. Source: Arm's software optimization guides of each core; for A55 and
A75 between their 64-bit and 128-bit rates. Only ratios count."""
_INT8_GAIN_WITH_DOT = 2.0
"""int8 multiply-adds for each float32 one, where the cores have the dot product; else `_INT8_GAIN`. In theory 4; TFLite reaches
1.5 to 2.5 on the boards that MLPerf measured at both."""
_INT8_GAIN = 1.3
_DEFAULT_LANES = 6.0
_SAME_DESIGN = 8.0
"""How many other devices one with the same fastest core counts as. Our choice."""
ALONE_DEVIATION = {True: 0.6, False: 1.5}
"""Standard deviation of the logarithm of a speed carried over from a single device: on the CPU, where cores are compared, and on
other processors, where nothing is. It falls with the root of the number of devices; their own spread joins it. Source: leaving
devices out, so that nine of ten rows lie in their intervals."""


def peak(profile: DeviceProfile, setting: Setting) -> float | None:
    """Multiply-adds in a nanosecond that a setting's cores could do at most.

    Args:
        profile: of the device.
        setting: which threads and precision.

    Returns:
        10^9 a second; None where the profile does not say enough, or the work is not done on the CPU.
    """
    if profile.cpu is None or not setting.accelerator.startswith("cpu"):
        return None
    rates = [
        _LANES.get(cluster.core, _DEFAULT_LANES) * (cluster.max_ghz or 1.5)
        for cluster in profile.cpu.clusters
        for _ in range(cluster.cores)
    ]
    used = sorted(rates, reverse=True)[: setting.threads or len(rates)]
    dot = profile.isa is not None and "dotprod" in profile.isa.features
    gain = (_INT8_GAIN_WITH_DOT if dot else _INT8_GAIN) if setting.precision in ("int8", "w8a8") else 1.0
    return sum(used) * gain


@dataclass(frozen=True, slots=True)
class Speed:
    """A speed carried over."""

    log_cost: float
    """What to add to the logarithms of the usual costs."""
    deviation: float
    """Standard deviation of `log_cost`."""
    devices: tuple[str, ...]
    """Whose speed was carried over, the weightiest first."""


def carry_over(profile: DeviceProfile, setting: Setting, known: Sequence[tuple[DeviceProfile, Setting, float]]) -> Speed | None:
    """Expect the speed of a setting that nobody measured.

    Args:
        profile: of its device.
        setting: the one asked for.
        known: profile, setting and log cost of settings at the same precision.

    Returns:
        The speed; None where none is known.
    """
    own = peak(profile, setting)
    found: list[tuple[float, float, str]] = []
    for other, measured, log_cost in known:
        theirs = peak(other, measured)
        ratio = math.log(theirs / own) if own and theirs else 0.0
        same = profile.cpu and other.cpu and profile.cpu.clusters[0].core == other.cpu.clusters[0].core
        weight = (_SAME_DESIGN if same else 1.0) / (1.0 + ratio**2)
        weight *= 1.0 if measured.threads == setting.threads else 0.5
        found.append((weight, log_cost + ratio, other.name))
    if not found:
        return None
    total = sum(weight for weight, _, _ in found)
    mean = sum(weight * value for weight, value, _ in found) / total
    spread = math.sqrt(sum(weight * (value - mean) ** 2 for weight, value, _ in found) / total)
    names = tuple(dict.fromkeys(name for _, _, name in sorted(found, reverse=True)))
    alone = ALONE_DEVIATION[own is not None]
    return Speed(mean, math.sqrt(spread**2 * (1 + 1 / len(names)) + alone**2 / len(names)), names)
