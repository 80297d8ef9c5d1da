"""The frozen records that travel between stages, and the one pair of functions that writes them as JSON and reads them back.

Every written file carries `schema: 1`. History of the schema: 1 = first.
Sizes are in bytes, times in milliseconds unless the name says otherwise, ratios 0 to 1.
"""

from __future__ import annotations

import dataclasses
import types as _types
import typing
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

SCHEMA = 1

Split = Literal["train", "val", "test", "unlabelled"]
Evidence = Literal["measured", "imported", "estimated", "emulated", "host", "reference"]
"""How a figure is known. `reference`: a file was evaluated in software by what it says, not run by what an app runs it with."""
Outcome = Literal["pass", "fail", "unsure", "skipped"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Preprocess:
    """What happens between the bytes of a photo and the input tensor; one object trains, verifies, times and ships.

    The order is fixed: decode, EXIF orientation, RGB, resize, centre crop, `(pixel - mean) / std`.
    """

    resize_px: int
    """Length of the shorter side after the resize; the longer one follows in proportion."""
    crop_px: int
    """Side of the centre square that is kept; equals `resize_px` when nothing is cut from the shorter side."""
    interpolation: Literal["bilinear", "bicubic", "nearest"] = "bilinear"
    """Pillow's filter of that name (antialiased when shrinking)."""
    mean: float = 128.0
    """Subtracted from each 0-255 pixel value. With a step of 1 / 127.5 the byte b is then the integer b - 128 exactly: a
    float, a uint8 and an int8 input give the same answer. (With 127.5 every byte lies between two integers, and runtimes
    that round halves to even give neighbours the same one.)"""
    std: float = 127.5
    """What the difference is divided by."""
    channel_order: Literal["RGB"] = "RGB"
    """Order of the last axis."""

    @property
    def input_range(self) -> tuple[float, float]:
        """Smallest and largest value that the input tensor can hold."""
        return (0.0 - self.mean) / self.std, (255.0 - self.mean) / self.std


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One labelled image, not yet decoded."""

    name: str
    """Path relative to the data folder with forward slashes, or the source's own identifier."""
    class_index: int
    """Index into the data set's class names; into its label sets where images have several labels."""
    split: Split | None
    """Where the source itself puts it; None when the recipe's split decides."""
    read: Callable[[], bytes]
    """Returns the bytes of the encoded image."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dataset:
    """What a source of images gives, before anything is decoded."""

    class_names: tuple[str, ...]
    """Class names in index order."""
    samples: tuple[Sample, ...]
    """All images in a fixed order."""
    licence: str
    """Licence of the images as the source states it, or "not stated"."""
    label_sets: tuple[tuple[int, ...], ...] | None = None
    """Where an image may have several labels: each set of classes that occurs, ascending; None = one label an image."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TensorSpec:
    """One input or output of an artifact."""

    name: str
    """Name in the file."""
    shape: tuple[int, ...]
    """Dimensions; -1 for one that is free."""
    dtype: str
    """numpy's name of the element type."""
    layout: Literal["NHWC", "NCHW", "NC"]
    """Order of the axes."""
    scale: float | None = None
    """Quantization step, for an integer tensor."""
    zero_point: int | None = None
    """Integer that stands for 0.0, for an integer tensor."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Companion:
    """A file that lies beside an artifact and belongs to it."""

    path: str
    """File name, relative to the record's folder."""
    sha256: str
    size_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Artifact:
    """One converted file (for Core ML: a package folder)."""

    format: str
    """Name of the converter that made it."""
    scheme: str
    """Name of its quantization scheme."""
    path: str
    """File name, relative to the record's folder."""
    sha256: str
    """Of the file; for a folder, of the sorted list of its files and their sha256."""
    size_bytes: int
    """On disk; for a folder, the sum of its files."""
    inputs: tuple[TensorSpec, ...]
    """Input tensors in order."""
    outputs: tuple[TensorSpec, ...]
    """Output tensors in order."""
    converter: str
    """Packages that wrote it, with versions."""
    delivered_bytes: int = 0
    """Compressed (deflate), as app stores and bundles deliver it."""
    int8_mac_share: float = 0.0
    """Share of the multiply-accumulates whose weights and activations are both int8, 0 to 1."""
    notes: tuple[str, ...] = ()
    """What the read-back found worth telling: operator counts, stamped versions."""
    keep_float: tuple[str, ...] = ()
    """Layers of an int8 network that were to stay in float, as the float network names them."""
    normalise: Literal["app", "graph"] = "app"
    """Who computes `(byte - mean) / std` for a float input: the app, or the file, whose input takes the bytes as float32."""
    companions: tuple[Companion, ...] = ()
    """Files that belong to it: an `.ort` file, the operators that it needs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """Raw values of one quantity and how they came about. Statistics are derived from the values, never stored alone."""

    name: str
    """What was measured, with its unit: `latency_ms`."""
    values: tuple[float, ...]
    """Every value after the warm-up, in order."""
    warmup_values: tuple[float, ...] = ()
    """Values of the warm-up, in order."""
    evidence: Evidence
    """How the values are known. Host values never speak for a device."""
    environment: dict[str, str]
    """Where they were taken: CPU, system, runtime version, threads."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """One artifact judged against one limit."""

    format: str
    """Format of the artifact."""
    scheme: str
    """Scheme of the artifact."""
    device: str | None
    """Device whose budget is meant; None for a gate of the recipe."""
    gate: str
    """Name of the limit: `min_top1`, `latency_p90_ms` …"""
    outcome: Outcome
    """`unsure`: no evidence about the device, or an interval that straddles the limit. `skipped`: does not apply."""
    value: float | None
    """Value that was compared, in the unit of the gate's name."""
    interval: tuple[float, float] | None
    """95 % interval of the value, where one is known."""
    limit: float | None
    """The limit, in the same unit."""
    evidence: Evidence | None
    """How the value is known."""
    reason: str
    """One sentence."""
    images_needed: int | None = None
    """About how many test images like these would decide what is unsure; None where it is decided, or no number would."""


_Record = TypeVar("_Record")


def to_json(record: Any) -> Any:
    """Turn a record (or a container of records) into plain JSON values.

    Args:
        record: a dataclass, tuple, list, dict or scalar.

    Returns:
        dicts, lists, strings, numbers, booleans and None.
    """
    if dataclasses.is_dataclass(record) and not isinstance(record, type):
        return {field.name: to_json(getattr(record, field.name)) for field in dataclasses.fields(record)}
    if isinstance(record, tuple | list):
        return [to_json(value) for value in record]
    if isinstance(record, dict):
        return {str(key): to_json(value) for key, value in record.items()}
    return record


def flatten(record: Any, prefix: str) -> dict[str, Any]:
    """Turn nested values into one level: `{"train[0].epochs": 8}`.

    Args:
        record: a record, or plain JSON values.
        prefix: key of the record itself.

    Returns:
        Key path → scalar; empty lists and mappings are kept as values.
    """
    value = to_json(record)
    if isinstance(value, dict) and value:
        return {k: v for name, item in value.items() for k, v in flatten(item, f"{prefix}.{name}").items()}
    if isinstance(value, list) and value:
        return {k: v for index, item in enumerate(value) for k, v in flatten(item, f"{prefix}[{index}]").items()}
    return {prefix: value}


def from_json(kind: type[_Record], value: Any) -> _Record:
    """Rebuild a record of type `kind` from what `to_json` gave.

    Args:
        kind: a dataclass of this module (or of `edgetl.recipe`, `edgetl.devices`).
        value: the plain JSON values.

    Returns:
        The record; equal to the one that was written.

    Raises:
        TypeError: a field is missing or unknown.
    """
    if isinstance(value, dict) and "schema" not in {field.name for field in dataclasses.fields(typing.cast("Any", kind))}:
        if value.get("schema", SCHEMA) != SCHEMA:
            raise TypeError(f"{kind.__name__}: schema {value['schema']} is not {SCHEMA}, the one this version reads")
        value = {name: item for name, item in value.items() if name != "schema"}
    return typing.cast("_Record", _revive(kind, value))


def _revive(hint: Any, value: Any) -> Any:
    origin = typing.get_origin(hint)
    arguments = typing.get_args(hint)
    if origin is typing.Annotated:
        return _revive(arguments[0], value)
    if origin in (typing.Union, _types.UnionType):
        if value is None:
            return None
        arguments = tuple(typing.get_args(a)[0] if typing.get_origin(a) is typing.Annotated else a for a in arguments)
        records = [a for a in arguments if dataclasses.is_dataclass(a)]
        if isinstance(value, dict) and records:
            fitting = (r for r in records if {f.name for f in dataclasses.fields(r)} >= set(value))
            return _revive(next(fitting, records[0]), value)
        if isinstance(value, list):
            return _revive(next(a for a in arguments if typing.get_origin(a) is tuple), value)
        return value
    if dataclasses.is_dataclass(hint):
        hints = typing.get_type_hints(hint, include_extras=True)
        return typing.cast("Any", hint)(**{key: _revive(hints.get(key), item) for key, item in value.items()})
    if origin is tuple:
        each = arguments[0] if arguments[-1] is Ellipsis else None
        return tuple(_revive(each or arguments[i], item) for i, item in enumerate(value))
    return value
