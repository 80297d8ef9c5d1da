"""Turn words into questions: names of devices, runtimes, schemes and networks as users and tables write them."""

from __future__ import annotations

import functools
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from edgetl import registry
from edgetl.devices import DeviceProfile, load_device
from edgetl.errors import InputError, UnknownName
from edgetl.estimator import atlas as atlases
from edgetl.estimator import pool as pools
from edgetl.estimator.estimate import Estimate, Estimator, Question, nothing
from edgetl.estimator.fit import open_own
from edgetl.estimator.from_graph import network_of
from edgetl.estimator.pool import Place
from edgetl.estimator.rows import Row, Setting
from edgetl.estimator.terms import describe, terms
from edgetl.networks import _find as networks

if TYPE_CHECKING:
    import numpy as np

    from edgetl.graphs._base import GraphFacts

RUNTIMES = {"tflite": "tflite", "onnx": "onnxruntime", "coreml": "coreml", "litert": "tflite"}
"""Runtime that loads a format, as tables name it; and a newer name of one."""
_ALIKE = {
    "fp32": ("fp32", "fp16 weights (float CPU compute)"),
    "int8": ("int8", "w8a8"),
    "w8a8": ("w8a8", "int8"),
    "fp16": ("fp16", "fp16/fp32 auto", "fp16 (armv82 backend)"),
    "fp16/fp32 auto": ("fp16/fp32 auto", "fp16", "fp32"),
}
"""Precisions that tables name differently, the asked one first."""
ALIKE_DISTANCE = 0.35
"""Distance, see `terms.describe`, up to which a file's network counts as one of a published family. Our choice: neighbours in a
width or size grid are 0.3 to 0.9 apart."""


def precisions_of(scheme: str, accelerator: str) -> tuple[str, ...]:
    """Precisions of tables that compute as files of a scheme do.

    Args:
        scheme: a name of `registry.names("schemes")`.
        accelerator: "cpu", "gpu", "npu" …: float files are computed in half precision everywhere but on the CPU.

    Returns:
        The best first; empty where no table measures such arithmetic.

    Raises:
        UnknownName: there is no such scheme.
    """
    activation, weight = registry.load("schemes", scheme).ARITHMETIC
    if (activation, weight) == ("int8", "int8"):
        return _ALIKE["int8"]
    if (activation, weight) == ("int16", "int8"):
        return ("w8a16",)
    if (activation, weight) == ("float32", "float32"):
        return ("fp32", "fp16/fp32 auto") if accelerator == "cpu" else ("fp16", "fp16/fp32 auto", "fp32")
    return ()


def precisions_named(precision: str) -> tuple[str, ...]:
    """Precisions of tables that mean the same as one of them."""
    return _ALIKE.get(precision, (precision,))


@functools.cache
def _published() -> dict[str, DeviceProfile]:
    """Profiles by every name that a table or a user may give, as `_letters` reads them."""
    known = [device.profile for device in atlases.known_devices().values()]
    by_table = {_letters(name): profile for profile in known for name in profile.measured_as}
    return {**{_letters(p.name): p for p in known}, **{_letters(p.title): p for p in known}, **by_table}


def _letters(name: str) -> str:
    """A name's letters and digits in lower case; a plus is one, for a Galaxy S9+ is no Galaxy S9."""
    return "".join(c for c in name.lower().replace("+", "plus") if c.isalnum())


def find_device(name: str) -> tuple[DeviceProfile, str] | None:
    """Find a profile by its name, title, or a name in published tables.

    Args:
        name: upper and lower case, spaces and hyphens alike.

    Returns:
        The profile, and the published name that is meant (its first where several are); None where there is none.
    """
    profile = _published().get(_letters(name))
    if profile is None:
        return None
    exact = next((known for known in profile.measured_as if _letters(known) == _letters(name)), None)
    return profile, exact or next(iter(profile.measured_as), profile.name)


def network_named(name: str, variant: str | None = None) -> str:
    """Name the network of a backbone as the tables of layers do.

    Args:
        name: a network of `edgetl list networks`, or a backbone of `edgetl list backbones`.
        variant: of a backbone that has several; None = its first, as in a recipe.

    Returns:
        A key of `networks.members()`.

    Raises:
        UnknownName: there is no such network, backbone or variant.
        InputError: a variant is given for what has none, or the backbone's layers are not known beforehand.
    """
    members = networks.members()
    variants = registry.load("backbones", name).VARIANTS if name in registry.names("backbones") else ()
    if variants and (variant is not None or name not in members):
        chosen = variants[0] if variant is None else variant
        if chosen not in variants:
            raise UnknownName(f"variant of {name}", chosen, variants, "--variant")
        stem = name.removesuffix("_lite")
        spelled = (
            chosen,
            chosen.replace("v2", "_v2"),
            f"{name}_{chosen}",
            f"{stem}_{chosen}",
            f"{name.replace('_v2', 'v2')}_{chosen}",
        )
        return next(one for one in spelled if one in members)
    if variant is not None:
        raise InputError(f"--variant: {name} has no variants; leave it out.")
    if name not in members:
        known = (*members, *registry.names("backbones"))
        raise UnknownName("network or backbone with known layers", name, known, "--backbone")
    return name


class Asker:
    """Answers rows of a table; the same question costs once."""

    def __init__(self, own: Path | None = None) -> None:
        """Begin.

        Args:
            own: file of a profile of the user's, which answers for its names.

        Raises:
            InputError: the profile or its rows do not hold.
        """
        self._own = load_device(str(own)) if own is not None else None
        self._estimator = Estimator(open_own(own) if own is not None else None)
        self._known: dict[tuple[object, ...], Estimate] = {}

    def answer(self, row: Row) -> Estimate:
        """Answer a row.

        Args:
            row: the question; its latency is not looked at.

        Returns:
            The answer.
        """
        key = (row.setting, row.model, row.alpha, row.input_px)
        if key not in self._known:
            self._known[key] = self._answer(row)
        return self._known[key]

    def _find(self, name: str) -> tuple[DeviceProfile, str] | None:
        if self._own is not None:
            names = (*self._own.measured_as, self._own.name, self._own.title)
            if _letters(name) in map(_letters, names):
                return self._own, next(iter(self._own.measured_as), self._own.name)
        return find_device(name)

    def _answer(self, row: Row) -> Estimate:
        found = self._find(row.setting.device)
        if found is None:
            return nothing(f"no profile claims the device {row.setting.device!r}. See: edgetl device list.")
        profile, published = found
        try:
            place = pools.place_of(row.model, row.alpha, row.input_px)
        except UnknownName:
            return nothing(f"the layers of {row.model!r} are not known. See: edgetl list networks.")
        except InputError as error:
            return nothing(str(error))
        precisions = precisions_named(row.setting.precision) if row.setting.precision else ()
        setting = replace(row.setting, device=published)
        return self._estimator.answer(Question(device=profile, setting=setting, precisions=precisions, place=place))


def place_of_file(path: Path, published: Iterable[Place] = ()) -> tuple[Place, GraphFacts]:
    """Read a converted file as a network.

    Args:
        path: .tflite, .onnx or .mlpackage.
        published: networks of published families, to tell whether it is like one of them.

    Returns:
        Where it lies, and what its graph is made of.

    Raises:
        InputError: it is none of these, or damaged.
    """
    import numpy as np

    by_suffix = {registry.load("graphs", name).SUFFIX: name for name in registry.names("graphs")}
    if path.suffix not in by_suffix:
        raise InputError(f"{path}: must be a converted file, its name ending in {', '.join(sorted(by_suffix))}.")
    if not path.exists():
        raise InputError(f"{path}: no such file.")
    facts = registry.load("graphs", by_suffix[path.suffix]).read(path)
    network = network_of(facts)
    point = describe(network)
    near = min(published, key=lambda place: float(np.linalg.norm(place.place - point)), default=None)
    alike = near is not None and _distance(near.place, point) <= ALIKE_DISTANCE
    family = near.family if near is not None and alike else ""
    place = Place(work=terms(network), place=point, network=(str(path), 1.0, network.input_px), family=family)
    return place, facts


def _distance(a: np.ndarray, b: np.ndarray) -> float:
    import numpy as np

    return float(np.linalg.norm(a - b))


def setting_for(published: str, runtime: str, accelerator: str, threads: int, version: str = "", precision: str = "") -> Setting:
    """Put a question's setting together; see `matching.match` for what empty parts mean."""
    return Setting(
        device=published,
        runtime=RUNTIMES.get(runtime, runtime),
        runtime_version=version,
        accelerator=accelerator,
        threads=threads,
        precision=precision,
    )
