"""What the child processes of the benchmark do, one function a child (see `benchmarks.process`)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from benchmarks import contents, latency, sessions
from benchmarks.peers import _base


def make_by_hand(peer: str, material: dict[str, Any], out: str) -> dict[str, Any]:
    """Let one peer make its file.

    Args:
        peer: its name.
        material: `Material` as JSON.
        out: folder for the file.

    Returns:
        `path`, and `seconds`: part → seconds.
    """
    Path(out).mkdir(parents=True, exist_ok=True)
    clock = _base.Clock()
    path = _base.load(peer).make(_base.Material(**material), Path(out), clock)
    return {"path": str(path), "seconds": clock.seconds}


def train_stock(material: dict[str, Any]) -> dict[str, Any]:
    """Do the quantization-aware training that the peers share.

    Args:
        material: `Material` as JSON; its folder receives the weights.

    Returns:
        Nothing.
    """
    from benchmarks.peers import _stock_qat

    _stock_qat.train(_base.Material(**material))
    return {}


def make_own(job: dict[str, Any]) -> dict[str, Any]:
    """Let edgetl make one file anew, by its own `convert` stage.

    Args:
        job: `Job` as JSON; its `out` is created.

    Returns:
        `path` and `seconds`, as `make_by_hand`. Restoring the weights and reading the file back are in them, imports are not,
        except what a file that is made from another file needs besides its converter's packages.
    """
    import importlib

    from edgetl import registry
    from edgetl.stages import convert
    from edgetl.stages._base import Job
    from edgetl.types import from_json

    read = from_json(Job, job)
    Path(read.out).mkdir(parents=True, exist_ok=True)
    for name in registry.load("converters", read.wanted.format).PACKAGES:
        importlib.import_module(name.replace("-", "_"))
    if "origin" not in read.inputs:
        importlib.import_module("edgetl.nn.checkpoint")
    clock = _base.Clock()
    with clock("convert"):
        made = convert.run(read, lambda event: None)
    return {"path": str(Path(read.out) / made["path"]), "seconds": clock.seconds}


def judge(path: str, material: dict[str, Any]) -> dict[str, Any]:
    """Run a file over the test split in its runtime, and look into it.

    Args:
        path: the file.
        material: `Material` as JSON.

    Returns:
        What `contents.look` found, `correct` and `n`; without these two when the file cannot run here.
    """
    file, given = Path(path), _base.Material(**material)
    facts = contents.look(file)
    if sessions.unrunnable(file):
        return facts
    import numpy as np

    pixels, labels = given.split("test")
    session, correct = sessions.open_file(file), 0
    for image, label in zip(pixels, labels, strict=True):
        session.set_input((image.astype(np.float32) - np.float32(given.mean)) / np.float32(given.std))
        session.invoke()
        scores = session.output()
        if not np.isfinite(scores).all():
            raise ValueError(f"{file.name} gives values that are not finite")
        correct += int(scores.argmax() == label)
    return {**facts, "correct": correct, "n": len(labels)}


def time_files(
    files: dict[str, str], references: dict[str, str], material: dict[str, Any], rounds: int, invocations: int
) -> dict[str, Any]:
    """Time all files in this one process, taking turns.

    Args:
        files: name → path.
        references: name → name of the file that its time is divided by.
        material: `Material` as JSON.
        rounds: how often each file has its turn.
        invocations: timed inferences a turn.

    Returns:
        Name → what `latency.summarise` says, as JSON.
    """
    import numpy as np

    given = _base.Material(**material)
    pixels, _ = given.split("test")
    image = (pixels[0].astype(np.float32) - np.float32(given.mean)) / np.float32(given.std)
    invokes = {}
    for name, path in files.items():
        session = sessions.open_file(Path(path))
        session.set_input(image)
        invokes[name] = session.invoke
    times = latency.take_turns(invokes, rounds=rounds, invocations=invocations, seed=given.seed)
    return latency.summarise(times, references, seed=given.seed)
