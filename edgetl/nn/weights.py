"""Put weights into a backbone: published, bundled, or from a file of the user's; strictly, by name and shape.

No code is ever taken from a file: `.keras` and `.h5` are read as arrays, their configuration is not revived.
"""

from __future__ import annotations

import hashlib
import io
import re
import zipfile
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import tf_keras

from edgetl import registry
from edgetl.errors import InputError
from edgetl.nn.freezing import FIRST_OF_HEAD
from edgetl.recipe import Backbone

Arrays = dict[str, list[np.ndarray]]
"""Layer name → its weights in Keras' order; empty for a layer that has none."""

MAX_BYTES = 2_000_000_000
"""Largest weights file that is read; the largest published backbone is under 0.6 GB."""


def load_backbone_weights(model: tf_keras.Model, section: Backbone) -> str:
    """Fill the backbone layers of `model`.

    Args:
        model: a backbone, or a network whose layers before the pooling are one (its head is left alone).
        section: the recipe's `backbone`.

    Returns:
        What was loaded, in words, for the report.

    Raises:
        InputError: the file is missing, has another sha256, cannot be read, or does not fit the backbone.
    """
    if section.weights == "none":
        return "random weights"
    family = registry.load("backbones", section.name)
    if section.network is not None and section.weights == "imagenet":
        return f"weights of {Path(section.network.path or section.network.handle or '').name}"
    names = [layer.name for layer in model.layers]
    layers = model.layers[: names.index(FIRST_OF_HEAD)] if FIRST_OF_HEAD in names else model.layers
    adapt, added = getattr(family, "adapt", lambda _, arrays: arrays), getattr(family, "ADDED", ())
    if section.weights == "bundled":
        path = Path(__file__).parent.parent / "backbones" / "weights" / f"{section.name}_{section.alpha:g}.npz"
        arrays = _read_npz(path)
        told = f"bundled weights {path.name}"
    elif section.weights == "imagenet":
        path = _imagenet(section)
        arrays = adapt(section, _read(path, layers, added))
        told = f"ImageNet weights {path.name}"
    else:
        path = checked(Path(section.weights.path), section.weights.sha256, "backbone.weights")
        arrays = adapt(section, _read(path, layers, added))
        told = f"weights of {path.name}"
    _assign([layer for layer in layers if layer.weights], arrays, path)
    return told


def _imagenet(section: Backbone) -> Path:
    """Return the published file from Keras' cache, downloading it when there is a network."""
    file = registry.load("backbones", section.name).imagenet_file(section)
    folder = Path.home() / ".keras" / "models"
    path: Path = folder / str(file.name)
    if not path.exists():
        try:
            tf_keras.utils.get_file(file.name, file.url, cache_subdir="models", file_hash=file.sha256)
        except Exception as error:  # noqa: BLE001 - get_file raises bare Exception for every network fault
            for partial in folder.glob(f"{file.name}*"):
                partial.unlink(missing_ok=True)
            known = f"sha256 {file.sha256}" if file.sha256 else "Keras publishes no sha256 for it"
            raise InputError(
                f"backbone.weights: imagenet: {file.name} could not be downloaded ({' '.join(str(error).split())[:200]}).\n"
                f"  Fetch {file.url}\n  ({known}) on a machine with a network and put it at ~/.keras/models/{file.name},\n"
                "  or set backbone.weights.path to where it lies, or use weights: bundled (mobilenet_v2, alpha 0.35)."
            ) from error
    if file.sha256 and _sha256(path) != file.sha256:
        raise InputError(f"{path.name}: its sha256 is not {file.sha256}. Delete it from ~/.keras/models and fetch it again.")
    return path


def checked(path: Path, sha256: str | None, key: str) -> Path:
    """Look at a user's file before it is read.

    Args:
        path: the file.
        sha256: what it must be, where the recipe says it.
        key: of the recipe, for messages: `backbone.weights`.

    Returns:
        The path.

    Raises:
        InputError: it is missing, too large, or another file.
    """
    if not path.is_file():
        raise InputError(f"{key}.path: {path}: no such file.")
    if path.stat().st_size > MAX_BYTES:
        raise InputError(f"{key}.path: {path}: larger than {MAX_BYTES} bytes.")
    if sha256 is not None:
        found = _sha256(path)
        if found != sha256:
            raise InputError(
                f"{key}.sha256: {path.name} has sha256 {found}, the recipe says {sha256}. It is another file, or was damaged."
            )
    return path


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _read(path: Path, layers: list[Any], added: tuple[str, ...]) -> Arrays:
    """Read any of the three kinds of file; `added` are layers that a published network does not have."""
    try:
        if path.suffix == ".npz":
            return _read_npz(path)
        if path.suffix == ".keras":
            with zipfile.ZipFile(path) as archive:
                member = archive.getinfo("model.weights.h5")
                if member.file_size > MAX_BYTES:
                    raise InputError(f"{path.name}: model.weights.h5 unpacks to more than {MAX_BYTES} bytes.")
                with h5py.File(io.BytesIO(archive.read(member)), "r") as file:
                    return _by_class(file, layers, added, path)
        with h5py.File(path, "r") as file:
            if "layer_names" in file.attrs or "model_weights" in file:
                return _by_name(file.get("model_weights", file))
            return _by_class(file, layers, added, path)
    except (OSError, KeyError, ValueError, TypeError, RuntimeError, zipfile.BadZipFile) as error:
        what = " ".join(str(error).split())[:200]
        raise InputError(f"{path.name}: is not a weights file (.h5, .weights.h5, .keras, .npz): {what}.") from error


def _by_name(file: Any) -> Arrays:
    """Read the `.h5` layout of keras.applications: layers by name, weights in a listed order."""
    found: Arrays = {}
    for raw in file.attrs["layer_names"]:
        name = _text(raw)
        group = file[name]
        found[name] = [_array(group[_text(w)]) for w in group.attrs["weight_names"]]
    return found


def _by_class(file: Any, layers: list[Any], added: tuple[str, ...], path: Path) -> Arrays:
    """Read the `.weights.h5` layout: no layer names, only numbers within each class (`conv2d_3`), in the order of the model.

    A model that starts with the backbone's layers, with a head or without, numbers them alike; but a published network does not
    have those of `added`, which is seen from the shapes found at their places.
    """
    container = "layers" if "layers" in file else "_layer_checkpoint_dependencies"
    if container not in file:
        raise InputError(f"{path.name}: holds no layers.")
    found = _numbered(file[container], layers)
    if any([a.shape for a in found.get(x.name, [])] != [tuple(w.shape) for w in x.weights] for x in layers if x.name in added):
        found = _numbered(file[container], [layer for layer in layers if layer.name not in added])
    return found


def _numbered(container: Any, layers: list[Any]) -> Arrays:
    """Give each layer what stands under its class and its number within it."""
    found: Arrays = {}
    counts: dict[str, int] = {}
    for layer in layers:
        words = re.sub(r"(.)([A-Z][a-z]+)", r"\1_\2", type(layer).__name__)
        kind = re.sub(r"([a-z])([A-Z])", r"\1_\2", words).lower()
        number = counts.get(kind, 0)
        counts[kind] = number + 1
        group = container.get(f"{kind}_{number}" if number else kind)
        if group is not None and "vars" in group:
            found[layer.name] = [_array(group["vars"][str(i)]) for i in range(len(group["vars"]))]
    return found


def _text(raw: Any) -> str:
    return raw.decode("utf-8") if isinstance(raw, bytes) else str(raw)


def _array(dataset: Any) -> np.ndarray:
    if not isinstance(dataset, h5py.Dataset) or dataset.nbytes > MAX_BYTES or dataset.external or dataset.dtype.kind not in "fiu":
        raise ValueError("a weight is not a plain array")
    return np.asarray(dataset)


def _read_npz(path: Path) -> Arrays:
    """Read edgetl's own file: arrays named `<layer>/<index>`."""
    found: Arrays = {}
    with np.load(path, allow_pickle=False) as file:
        for key in sorted(file.files, key=lambda k: (k.rpartition("/")[0], int(k.rpartition("/")[2]))):
            found.setdefault(key.rpartition("/")[0], []).append(file[key].astype(np.float32))
    return found


def _assign(layers: list[Any], arrays: Arrays, path: Path) -> None:
    """Set all weights or none: every layer must be there with its shapes and finite values."""
    faults: list[str] = []
    for layer in layers:
        wanted = [tuple(w.shape) for w in layer.weights]
        given = arrays.get(layer.name)
        if given is None:
            faults.append(f"{layer.name}: not in the file.")
        elif [a.shape for a in given] != wanted:
            faults.append(f"{layer.name}: shapes {[a.shape for a in given]}, the backbone has {wanted}.")
        elif not all(np.isfinite(a).all() for a in given):
            faults.append(f"{layer.name}: holds values that are not finite.")
    if faults:
        more = [f"and {len(faults) - 12} more layers."] if len(faults) > 12 else []
        raise InputError(f"{path.name}: does not fit the backbone (check name, variant and alpha).", [*faults[:12], *more])
    for layer in layers:
        layer.set_weights(arrays[layer.name])
