"""Witnesses: other kernels, other levels of optimisation and other processors that are asked what a file answers.

A witness is a runtime of this computer or a connection to another one (an emulated ARM, a board on the desk). Kernels differ: two
sound ones may round a sum otherwise, and an image that lies between two classes flips. So a disagreement is told, in words and
with a test of whether either is better, and fails nothing; a witness that answers fewer images rightly than a gate asks for does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgetl import answers, declared, desk, ondevice, registry
from edgetl.desk import Way
from edgetl.errors import DeviceUnreachable, InputError, did_you_mean

if TYPE_CHECKING:
    import numpy as np

    from edgetl.types import Evidence, Preprocess

ALL = "all"
"""Stands for every witness among the runtimes of this computer."""
BETTER = 0.05
"""Largest McNemar mid-p at which one of two is said to be better; the usual 5 %."""
_CHUNK = 16
"""Images sent over a connection at a time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Witness:
    """One that is asked."""

    name: str
    """Runtime, connection or device."""
    runtime: str
    """Runtime module that runs the file, here or there."""
    way: Way | None = None
    """To the computer that is asked; None = this one."""

    @property
    def evidence(self) -> Evidence:
        """How what it answers is known."""
        return evidence_here(self.runtime) if self.way is None else self.way.connection.EVIDENCE


def evidence_here(runtime: str) -> Evidence:
    """How what a runtime of this computer answers is known.

    Args:
        runtime: its name.
    """
    return "reference" if registry.load("runtimes", runtime).REFERENCE else "measured"


def choose(names: Sequence[str], format_name: str, main: str, faults: list[str]) -> tuple[Witness, ...]:
    """Find what the names stand for, for a file of one format.

    Args:
        names: runtimes, connections, devices of connections.yaml, or `ALL`.
        format_name: of the file.
        main: its runtime here, which needs no asking twice.
        faults: receives what is wrong with the names that could run this format.

    Returns:
        Those that run the format, in order, each once.
    """
    runtimes = {n: registry.load("runtimes", n) for n in registry.names("runtimes")}
    here = [n for n, module in runtimes.items() if format_name in module.FORMATS and n != main]
    found: dict[str, Witness] = {}
    for name in names:
        if name == ALL:
            found |= {n: Witness(name=n, runtime=n) for n in here if runtimes[n].REFERENCE and not runtimes[n].unavailable()}
        elif name in runtimes:
            if name in here and (reason := runtimes[name].unavailable()) is not None:
                faults.append(f"--witness {name}: {reason}")
            elif name in here:
                found[name] = Witness(name=name, runtime=name)
        else:
            witness = _there(name, format_name, faults)
            found |= {name: witness} if witness is not None else {}
    return tuple(found.values())


def useless(names: Sequence[str], formats: Sequence[str], mains: Sequence[str]) -> list[str]:
    """Say which names could speak for none of the files.

    Args:
        names: as given; those that stand for nothing are `choose`'s to tell.
        formats: of all files.
        mains: runtimes that run them anyway.

    Returns:
        One fault each.
    """
    found = []
    for name in names:
        if name in registry.names("runtimes"):
            able = registry.load("runtimes", name).FORMATS
            if name in mains and not any(f in able and m != name for f, m in zip(formats, mains, strict=True)):
                found.append(f"--witness {name}: runs these files anyway; name another.")
            elif not set(able) & set(formats):
                found.append(f"--witness {name}: runs {', '.join(able)}, and none of the files is that.")
        elif name != ALL and formats:
            try:
                able = desk.way(name).connection.RUNTIMES
            except InputError:
                continue
            if not any(ondevice.RUNTIMES[f] in able for f in formats):
                found.append(f"--witness {name}: runs {', '.join(able)}, and none of the files is for that.")
    return found


def reach(chosen: Iterable[Witness]) -> None:
    """Ask the computers that are to be asked whether they answer at all, before anything runs.

    Args:
        chosen: any witnesses.

    Raises:
        DeviceUnreachable: one does not.
    """
    for name, way in {w.name: w.way for w in chosen if w.way is not None}.items():
        if (reason := way.connection.unreachable(way.settings)) is not None:
            raise DeviceUnreachable(f"--witness {name}: {reason}")


def _there(name: str, format_name: str, faults: list[str]) -> Witness | None:
    try:
        way = desk.way(name)
    except InputError as error:
        if " named " in str(error):
            known = (*registry.names("runtimes"), *registry.names("connections"), ALL)
            error = InputError(f"no runtime, connection or device named '{name[:80]}'. {did_you_mean(name, known)}")
        faults.append(f"--witness {name[:80]}: {error}")
        return None
    runtime = ondevice.RUNTIMES[format_name]
    if (reason := way.connection.unavailable()) is not None:
        faults.append(f"--witness {name}: {reason}")
    elif runtime in way.connection.RUNTIMES:
        return Witness(name=name, runtime=runtime, way=way)
    return None


def ask_there(
    witness: Witness,
    path: Path,
    pixels: Any,
    preprocess: Preprocess,
    class_names: tuple[str, ...],
    told: Callable[[int, int], None],
) -> np.ndarray:
    """Run a file over a connection.

    Args:
        witness: one with a way.
        path: the file.
        pixels: uint8 (N, px, px, 3), an array or a `RowFile`.
        preprocess: normalisation of a float input.
        class_names: of the network, in index order.
        told: called with how many images are done, and of how many.

    Returns:
        float32 (N, classes), probabilities.

    Raises:
        DeviceUnreachable: it does not answer.
        BenchmarkError: it cannot load the file, or gives no outputs.
        VerificationError: its answers are none of these classes.
    """
    import numpy as np

    from edgetl.runtimes._base import probabilities, tensor

    assert witness.way is not None
    found: list[np.ndarray] = []
    with (
        closing(witness.way.connection.open(witness.way.settings)) as link,
        closing(link.start(path, witness.runtime, 1)) as session,
    ):
        given = session.facts["inputs"][0]
        channels_first = given["shape"][-1] != 3
        preprocess = declared.of_file(path, preprocess)
        for first in range(0, len(pixels), _CHUNK):
            values = [tensor(image, preprocess, given["dtype"]) for image in pixels[first : first + _CHUNK]]
            images = tuple(np.ascontiguousarray(v.transpose(0, 3, 1, 2)) if channels_first else v for v in values)
            found += [probabilities(outputs[0][0]) for outputs in session.outputs(images)]
            told(len(found), len(pixels))
    rows = answers.checked(found, f"{path.name} on {witness.name}", len(class_names))
    return from_sorted(rows, class_names) if witness.runtime == "coreml" else rows


def from_sorted(rows: np.ndarray, class_names: tuple[str, ...]) -> np.ndarray:
    """Put a classifier's probabilities, which Core ML's runner gives in the order of the sorted labels, into index order.

    Args:
        rows: float32 (N, classes).
        class_names: in index order.

    Returns:
        float32 (N, classes).
    """
    order = sorted(range(len(class_names)), key=lambda index: class_names[index])
    found = rows.copy()
    found[:, order] = rows
    return found


def sentence(main: str, witness: str, n: int, differ: int, top1: tuple[float, float], p: float, largest: float) -> str:
    """Say in words how two kernels compare.

    Args:
        main: runtime that an app uses.
        witness: the other one.
        n: images.
        differ: images of another answer.
        top1: of both.
        p: McNemar's mid-p.
        largest: difference of a probability.
    """
    if not differ:
        return f"{witness} gives the same answer as {main} on all {n} images; probabilities are at most {largest:.2g} apart."
    start = f"{witness} and {main} give different answers on {differ} of {n} images ({differ / n:.1%}): "
    figures = f"top-1 {top1[1]:.3f} against {top1[0]:.3f}, McNemar mid-p {p:.2g}"
    if p >= BETTER:
        return f"{start}{figures}, so neither is shown to be better; probabilities are up to {largest:.2g} apart."
    better, worse = (main, witness) if top1[0] > top1[1] else (witness, main)
    return f"{start}{figures}: {better} answers better than {worse}. The same file loses accuracy to its kernels."
