"""A file, and what it is to be held against: from paths alone."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from edgetl import origins, registry
from edgetl.errors import InputError
from edgetl.types import Preprocess

_FILES = (".mlpackage", ".onnx", ".tflite")


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """A file, and what it is held against."""

    path: Path
    reference: Path
    """The float network: folder with a `network.pb`, or a file."""
    source: Path | None
    """The fake-quantized network that the file was converted from, where there is one."""
    scheme: str | None
    preprocess: Preprocess
    class_names: tuple[str, ...] | None
    recipe: Path | None
    """Whose photos may be used when none are given."""
    keep_float: tuple[str, ...] = ()
    """Layers that the file keeps in float already."""


def subject(path: Path, against: Path | None = None) -> Subject:
    """Find out what a file is to be held against.

    Args:
        path: .tflite, .onnx or .mlpackage.
        against: folder of a checkpoint, `network.pb`, or a float file; None = what the run that made it wrote down.

    Returns:
        The question.

    Raises:
        InputError: there is nothing to hold it against, or a file is of no kind that can be read.
    """
    if path.suffix not in _FILES:
        raise InputError(f"{path}: must be a converted file, its name ending in .mlpackage, .onnx or .tflite.")
    if not path.exists():
        raise InputError(f"{path}: no such file.")
    origin = origins.find(path)
    source = None
    if against is None:
        if origin is None or origin.checkpoint is None:
            raise InputError(
                f"{path}: nothing says which network it was made from. Give its checkpoint, or a float file, with --against."
            )
        against, source = origin.checkpoint, origin.quantized
    elif origin is not None and (against / origin.scheme / "network.pb").is_file():
        source = against / origin.scheme
    if against.is_dir() and against.suffix != ".mlpackage" and not (against / "network.pb").is_file():
        raise InputError(
            f"{against}: holds no network.pb. Give runs/<recipe>/checkpoint, or a float .tflite, .onnx or .mlpackage."
        )
    if not against.exists() or (not against.is_dir() and against.suffix not in (*_FILES, ".pb")):
        raise InputError(f"{against}: must be a checkpoint's folder, a network.pb, or a float .tflite, .onnx or .mlpackage.")
    if against.suffix in _FILES and _px(against) != _px(path):
        raise InputError(
            f"{against}: takes images of {_px(against)} pixels, {path} takes {_px(path)}: they are not the same network."
        )
    beside = origin or (origins.find(against) if against.suffix in _FILES else None)
    return Subject(
        path=path,
        reference=against,
        source=source,
        scheme=origin.scheme if origin is not None else None,
        preprocess=beside.preprocess if beside is not None else _usual(path),
        class_names=beside.class_names if beside is not None else None,
        recipe=Path(beside.recipe) if beside is not None and beside.recipe else None,
        keep_float=origin.keep_float if origin is not None else (),
    )


def _usual(path: Path) -> Preprocess:
    """How edgetl prepares pixels, at the size that a file takes."""
    px = _px(path)
    return Preprocess(resize_px=px, crop_px=px)


def _px(path: Path) -> int:
    """Side of the images that a file takes, pixels."""
    from edgetl.estimator.from_graph import network_of

    name = next(name for name in registry.names("graphs") if path.suffix == registry.load("graphs", name).SUFFIX)
    return network_of(registry.load("graphs", name).read(path)).input_px
