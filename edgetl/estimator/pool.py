"""Rows that may learn from each other: one kind of runtime on one kind of processor, over all devices, versions and precisions.

Settings stay apart, each with costs of its own (versions of a runtime differ by a factor of two); a pool only shares the usual
shape of costs and what the roofline misses about a network.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from edgetl.errors import InputError
from edgetl.estimator.residual import Points
from edgetl.estimator.rows import Row, Setting
from edgetl.estimator.terms import describe, terms
from edgetl.networks import _find as networks

if TYPE_CHECKING:
    import numpy as np

_KIN = {
    "xnnpack": "tflite",
    "mediapipe tasks (tflite)": "tflite",
    "tflite+edgetpu": "tflite",
    "tnn": "mobile",
    "mnn": "mobile",
    "paddle-lite": "mobile",
    "tensorrt (torch2trt)": "tensorrt",
    "pytorch-cuda": "tensorrt",
    "qnn (context binary or library)": "qualcomm",
    "qnn_context_binary": "qualcomm",
    "qnn_dlc": "qualcomm",
    "onnxruntime (precompiled qnn)": "qualcomm",
}
"""Runtimes whose rows learn from another's."""
_UNVERSIONED = ("qualcomm_npu", "ncnn_cpu", "ncnn_gpu", "onnxruntime_cpu", "tflite_gpu", "tensorrt_gpu")
"""Pools whose sources give each row a version of its own (the newest job), or none: there versions are not told apart."""
NOISY_FACTOR = 3.0
"""How many times more doubtful a row is that its source doubts. Our choice: the rows that MLPerf logs mark as unstable scatter
two to four times as much about the fit as others."""


def pool_of(setting: Setting) -> str:
    """Name of the pool that a setting belongs to: that of a file in devices/measurements."""
    accelerator = setting.accelerator.partition(" ")[0]
    runtime = _KIN.get(setting.runtime, setting.runtime)
    if accelerator == "npu" and runtime in ("tflite", "onnxruntime", "qualcomm"):
        runtime = "qualcomm"
    return f"{runtime}_{accelerator}".replace("-", "_").replace(" ", "_")


def without_version(setting: Setting) -> Setting:
    """The setting, its version dropped where its pool does not tell versions apart."""
    if pool_of(setting) not in _UNVERSIONED or not setting.runtime_version:
        return setting
    return Setting(
        device=setting.device,
        runtime=setting.runtime,
        runtime_version="",
        accelerator=setting.accelerator,
        threads=setting.threads,
        precision=setting.precision,
    )


class Codes:
    """Numbers for what is compared for equality; the same thing gets the same number, whoever asks."""

    def __init__(self, things: Sequence[object] = ()) -> None:
        """Number some things in their order."""
        self._known: dict[object, int] = {thing: number for number, thing in enumerate(things)}

    def of(self, thing: object) -> int:
        """Number of a thing."""
        return self._known.setdefault(thing, len(self._known))


@dataclass(frozen=True, slots=True)
class Place:
    """Where a network lies."""

    work: np.ndarray
    """float64 (len(TERMS),)."""
    place: np.ndarray
    """float64, `terms.describe`."""
    network: tuple[str, float, int]
    """Name, width, side in pixels: equal for the very same network."""
    family: str


@dataclass(frozen=True, slots=True)
class Pool:
    """Rows in numbers. Arrays have one entry a row, in the order of `rows`."""

    name: str
    rows: tuple[Row, ...]
    settings: tuple[Setting, ...]
    """Sorted."""
    work: np.ndarray
    """float64 (N, len(TERMS))."""
    log_latency: np.ndarray
    """float64 (N,), natural logarithm of milliseconds."""
    doubt: np.ndarray
    """float64 (N,), 1 or `NOISY_FACTOR`."""
    points: Points
    families: np.ndarray
    """str (N,), name of the network's plug-in."""
    unknown: tuple[str, ...]
    """Networks that no table of layers knows; their rows are left out."""

    codes: Codes
    """Settings first, in their order; then what else is compared."""

    def points_of(self, asked: Sequence[tuple[Place, Setting]]) -> Points:
        """Where networks on settings lie, in this pool's numbers."""
        return _points(asked, self.codes)

    def at(self, setting: Setting) -> np.ndarray:
        """Indices of a setting's rows."""
        import numpy as np

        return np.flatnonzero(self.points.setting == self.settings.index(setting))


def place_of(model: str, alpha: float | None, input_px: int | None) -> Place:
    """Draw a network and say where it lies.

    Raises:
        UnknownName: no table of layers has it.
        InputError: it cannot be drawn at that width or size.
    """
    network = networks.draw(model, alpha, input_px)
    family = networks.members()[model]
    return Place(terms(network), describe(network), (model, alpha or 1.0, network.input_px), family)


def build(name: str, rows: Sequence[Row]) -> Pool:
    """Put rows into numbers; those of networks that cannot be drawn are left out and named.

    Args:
        name: of the pool.
        rows: of one pool.

    Returns:
        The pool, with at least one row.

    Raises:
        InputError: no row is left.
    """
    import numpy as np

    known: dict[tuple[str, float | None, int | None], Place | None] = {}
    unknown: set[str] = set()
    kept: list[tuple[Row, Place]] = []
    for row in rows:
        key = (row.model, row.alpha, row.input_px)
        if key not in known:
            try:
                known[key] = place_of(*key)
            except InputError:
                known[key] = None
                unknown.add(row.model)
        found = known[key]
        if found is not None:
            kept.append((row, found))
    if not kept:
        raise InputError(f"{name}: no row is of a network whose layers are known. See: edgetl list networks.")
    taken = tuple(row for row, _ in kept)
    settings = tuple(sorted({row.setting for row in taken}))
    codes = Codes(settings)
    return Pool(
        name=name,
        rows=taken,
        settings=settings,
        work=np.array([p.work for _, p in kept]),
        log_latency=np.log([row.latency_ms or 1.0 for row in taken]),
        doubt=np.array([NOISY_FACTOR if row.noisy else 1.0 for row in taken]),
        points=_points([(p, row.setting) for row, p in kept], codes),
        codes=codes,
        families=np.array([p.family for _, p in kept]),
        unknown=tuple(sorted(unknown)),
    )


def _points(asked: Sequence[tuple[Place, Setting]], codes: Codes) -> Points:
    import numpy as np

    def number(*things: object) -> int:
        return codes.of(things)

    return Points(
        place=np.array([p.place for p, _ in asked]),
        network=np.array([number(*p.network) for p, _ in asked]),
        precision=np.array([number("precision", s.precision) for _, s in asked]),
        runtime=np.array([number("runtime", s.runtime, s.precision) for _, s in asked]),
        device=np.array([number("device", s.device, s.precision) for _, s in asked]),
        setting=np.array([codes.of(s) for _, s in asked]),
    )
