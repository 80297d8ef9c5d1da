"""A network that Keras saved whole, as `.keras` or `.h5`: its configuration as plain values and its weights as arrays.

Keras' own loading is not used: it revives classes by name, Lambda layers among them, and Keras 3 refuses the DepthwiseConv2D of
older files. Sizes are looked at before anything is read.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgetl.errors import InputError

if TYPE_CHECKING:
    from edgetl.nn.saved.keras_graph import Node

MAX_CONFIG_BYTES = 64_000_000
MAX_BYTES = 2_000_000_000
"""Largest file of weights."""
Arrays = dict[str, list[Any]]
"""Name of a node → its weights in Keras' order."""


def read_config(path: Path) -> Any:
    """Read a network's configuration.

    Args:
        path: the file.

    Returns:
        Plain values.

    Raises:
        InputError: it is not such a file, or holds weights alone.
    """
    with _faults(path):
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as archive:
                return json.loads(_member(archive, "config.json", MAX_CONFIG_BYTES))
        import h5py

        with h5py.File(path, "r") as file:
            if "model_config" not in file.attrs:
                raise InputError(f"{path.name}: holds weights alone. Save the whole network: model.save('network.h5').")
            text = file.attrs["model_config"]
            if len(text) > MAX_CONFIG_BYTES:
                raise InputError(f"{path.name}: its configuration is larger than {MAX_CONFIG_BYTES} bytes.")
            return json.loads(text)


def read_arrays(path: Path, nodes: Sequence[Node]) -> Arrays:
    """Read the weights of nodes.

    Args:
        path: the file.
        nodes: which.

    Returns:
        Those that have weights in the file.

    Raises:
        InputError: the file is damaged or too large.
    """
    import h5py

    with _faults(path):
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as archive:
                data = io.BytesIO(_member(archive, "model.weights.h5", MAX_BYTES))
            with h5py.File(data, "r") as file:
                container = "layers" if "layers" in file else "_layer_checkpoint_dependencies"
                return _loaded({node.name: list(_numbered(file, node.numbers, container)) for node in nodes}, path.name)
        with h5py.File(path, "r") as file:
            groups = file.get("model_weights", file)
            return _loaded({node.name: list(_named(groups, node.path)) for node in nodes}, path.name)


def _numbered(file: Any, numbers: tuple[str, ...], container: str) -> Iterator[Any]:
    group = file
    for number in numbers:
        group = group.get(f"{container}/{number}")
        if group is None:
            return
    variables = group.get("vars", ())
    for index in range(len(variables)):
        yield variables[str(index)]


def _named(groups: Any, path: tuple[str, ...]) -> Iterator[Any]:
    """Weights of a layer of an `.h5`; those of a network within the network are told by the layer's name in theirs."""
    group = groups.get(path[0])
    if group is None:
        return
    names = [_text(raw) for raw in group.attrs.get("weight_names", ())]
    if len(path) > 1:
        owners = [name.rpartition("/")[0] for name in names]
        for first in range(len(path)):  # the longest part of the path that the file tells
            own = "/".join(path[first:])
            if any(owner == own or owner.endswith(f"/{own}") for owner in owners):
                names = [n for n, owner in zip(names, owners, strict=True) if owner == own or owner.endswith(f"/{own}")]
                break
        else:
            names = []
    for name in names:
        yield group[name]


def _text(raw: Any) -> str:
    return raw.decode("utf-8") if isinstance(raw, bytes) else str(raw)


def _loaded(found: dict[str, list[Any]], file: str) -> Arrays:
    """Read weights as float32, if they are plain arrays that lie in the file itself and are not too large together."""
    import h5py
    import numpy as np

    total = 0
    for dataset in (dataset for datasets in found.values() for dataset in datasets):
        if not isinstance(dataset, h5py.Dataset) or dataset.external or dataset.is_virtual or dataset.dtype.kind not in "fiu":
            raise ValueError("a weight is not a plain array")
        total += dataset.nbytes
    if total > MAX_BYTES:
        raise ValueError(f"its weights unpack to more than {MAX_BYTES} bytes")
    arrays = {name: [np.asarray(dataset, np.float32) for dataset in datasets] for name, datasets in found.items() if datasets}
    odd = [name for name, values in arrays.items() if not all(np.isfinite(value).all() for value in values)]
    if odd:
        layers = f"{', '.join(odd[:8])}{' …' if len(odd) > 8 else ''}"
        raise InputError(f"{file}: holds weights that are not finite (NaN or infinite), in {layers}. Its training went wrong.")
    return arrays


def _member(archive: zipfile.ZipFile, name: str, most: int) -> bytes:
    member = archive.getinfo(name)
    if member.file_size > most:
        raise InputError(f"{name} unpacks to more than {most} bytes.")
    return archive.read(member)


@contextmanager
def _faults(path: Path) -> Iterator[None]:
    """Tell every way in which such a file can be broken as one kind of error."""
    try:
        yield
    except (OSError, KeyError, ValueError, TypeError, RuntimeError, RecursionError, MemoryError, zipfile.BadZipFile) as error:
        if isinstance(error, FileNotFoundError):
            raise InputError(f"{path}: no such file.") from error
        what = " ".join(str(error).split())[:160]
        raise InputError(f"{path.name}: is not a network saved by Keras (.keras, .h5): {what}.") from error


__all__ = ["MAX_BYTES", "Arrays", "read_arrays", "read_config"]
