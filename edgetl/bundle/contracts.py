"""contracts/: for each artifact a file that is all that an app reads at run time, so that an update may change any of it.

It follows from manifest.json and golden.json alone. Schema history: 1 = first.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from edgetl.bundle.faults import BundleFault, Fault, one
from edgetl.bundle.form import Digest, Label, Line, Path_, Share
from edgetl.bundle.opening import OpenBundle, Whole, record
from edgetl.schema import Bound, MinItems, Pattern, check, json_schema
from edgetl.tensors import SAMPLES, sample_at

FOLDER = "contracts"
_SHOWN = 20

Side = Annotated[int, Bound(ge=1, le=4096)]
PhotoName = Annotated[
    str, Pattern(r"(?!\.)[^\x00-\x1f\x7f\x80-\x9f\u2028-\u202e\u2066-\u2069\\/:*?\"<>|]{1,200}", "the name of a file in golden/")
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Input:
    """What the file takes, and how a photo becomes that."""

    name: Line
    dtype: Literal["float32", "uint8", "int8", "image"]
    """`image`: it takes a picture."""
    layout: Literal["NHWC", "NCHW"]
    resize_px: Side
    """Shorter side after the resize."""
    crop_px: Side
    """Side of the centre that is cut out."""
    interpolation: Literal["bilinear", "bicubic", "nearest"]
    mean: Annotated[float, Bound(ge=-1e6, le=1e6)]
    """What is left to the app: of a float input (byte - mean) / std; 0 and 1 where the file does that itself."""
    std: Annotated[float, Bound(gt=0.0, le=1e6)]

    def faults(self) -> tuple[tuple[str, str], ...]:
        """What is cut out lies inside; only floats are normalised."""
        found = []
        if self.crop_px > self.resize_px:
            found.append(("crop_px", "is larger than resize_px."))
        if self.dtype != "float32" and (self.mean, self.std) != (0.0, 1.0):
            found.append(("mean", f"must be 0, and std 1: an input of {self.dtype} takes bytes."))
        return tuple(found)


@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    """What the file gives: one number for each label."""

    name: Line
    dtype: Literal["float32", "uint8", "int8"]
    scale: Annotated[float, Bound(ge=1e-30, le=1e30)] | None
    """Of integers: a probability is (number - zero_point) × scale."""
    zero_point: Annotated[int, Bound(ge=-128, le=255)] | None

    def faults(self) -> tuple[tuple[str, str], ...]:
        """Integers have a meaning."""
        if self.dtype != "float32" and (self.scale is None or self.zero_point is None):
            return (("", f"{self.dtype} needs scale and zero_point."),)
        return ()


@dataclass(frozen=True, slots=True, kw_only=True)
class GoldenPhoto:
    """One golden photo, for this artifact."""

    file: PhotoName
    sha256: Digest
    levels: Annotated[float, Bound(ge=0.0, le=255.0)]
    """Tolerance of a pixel, in levels of 255."""
    tensor_sha256: Digest
    """Of the input's buffer, little-endian."""
    samples: tuple[float, ...]
    """Its values at `sample_at`."""
    probabilities: tuple[Share, ...] | None
    """One for each label; None where nothing could run the artifact when the bundle was made."""
    tolerance: Share | None
    """Of a probability."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Contract:
    """The whole of a contract."""

    schema: Literal[1]
    artifact: Line
    """`format/scheme`."""
    path: Path_
    """Of the artifact, in the bundle."""
    name: Line
    """Of the bundle, and its version."""
    version: Line
    input: Input
    output: Output
    named_from: Share | None
    """Probability from which a label is named, where a photo may have several; None where it has one."""
    labels: Annotated[tuple[Label, ...], MinItems(1)]
    sample_at: tuple[int, ...]
    """Places of the input's buffer that are compared."""
    golden: Annotated[tuple[GoldenPhoto, ...], MinItems(1)]

    def faults(self) -> tuple[tuple[str, str], ...]:
        """Lengths, places and names fit one another."""
        found = []
        if self.sample_at != sample_at(self.input.crop_px, self.input.layout):
            found.append(("sample_at", "are not the places of such an input that are compared."))
        for what, names in (("labels", self.labels), ("golden", tuple(photo.file for photo in self.golden))):
            if len(set(names)) < len(names):
                found.append((what, "names one twice."))
        for photo in self.golden:
            if len(photo.samples) != SAMPLES:
                found.append(("golden", f"{photo.file}: must have {SAMPLES} samples."))
            if photo.probabilities is not None and len(photo.probabilities) != len(self.labels):
                found.append(("golden", f"{photo.file}: must have {len(self.labels)} probabilities, one a label."))
        return tuple(found)


def schema() -> dict[str, Any]:
    """JSON Schema (draft 2020-12) of a contract."""
    return json_schema(Contract, "contracts/*.json of a bundle of edgetl's")


def place(path: str) -> str:
    """Say where in a bundle the contract of an artifact lies; `path`: of the artifact, in the bundle."""
    return f"{FOLDER}/{path.rpartition('/')[2]}.json"


def derive(manifest: Mapping[str, Any], golden: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Write the contracts of a bundle.

    Args:
        manifest: its manifest.json, with or without `files`.
        golden: its golden.json.

    Returns:
        Place in the bundle → content, as plain values; whether that obeys `Contract` is not looked at.

    Raises:
        KeyError, TypeError, IndexError, AttributeError: they are not what edgetl writes.
    """
    return {place(row["path"]): _of(row, manifest, golden) for row in manifest["artifacts"]}


def input_of(row: Mapping[str, Any], manifest: Mapping[str, Any]) -> dict[str, Any]:
    """Say what golden.json must tell of an artifact's input, as far as manifest.json decides it.

    Args:
        row: one of the manifest's `artifacts`.
        manifest: the manifest.

    Returns:
        `dtype`, `layout`, `mean`, `std`: of (byte - mean) / std what is left to the app, 0 and 1 where the file does that itself.
    """
    entrance, steps = row["inputs"][0], manifest["preprocess"]
    dtype = "image" if entrance["dtype"] == "image_rgb8" else entrance["dtype"]
    left = dtype == "float32" and row["normalise"] == "app"
    mean, std = (steps["mean"], steps["std"]) if left else (0.0, 1.0)
    return {"dtype": dtype, "layout": entrance["layout"], "mean": mean, "std": std}


def _of(row: Mapping[str, Any], manifest: Mapping[str, Any], golden: Mapping[str, Any]) -> dict[str, Any]:
    artifact, steps = f"{row['format']}/{row['scheme']}", manifest["preprocess"]
    told, given = golden["artifacts"][artifact], row["outputs"][0]
    return {
        "schema": 1,
        "artifact": artifact,
        "path": row["path"],
        "name": manifest["name"],
        "version": manifest["version"],
        "input": {
            "name": row["inputs"][0]["name"],
            "dtype": told["dtype"],
            "layout": told["layout"],
            **{key: steps[key] for key in ("resize_px", "crop_px", "interpolation")},
            "mean": told["mean"],
            "std": told["std"],
        },
        "output": {key: given[key] for key in ("name", "dtype", "scale", "zero_point")},
        "named_from": manifest["answers"]["named_from"],
        "labels": list(manifest["classes"]),
        "sample_at": told["sample_at"],
        "golden": [
            {
                "file": image["file"],
                "sha256": image["sha256"],
                "levels": image["pixels"]["tolerance"]["samples"],
                "tensor_sha256": image["tensors"][artifact]["sha256"],
                "samples": image["tensors"][artifact]["samples"],
                "probabilities": image["probabilities"].get(artifact),
                "tolerance": image["tolerance"].get(artifact),
            }
            for image in golden["images"]
        ],
    }


def checked(value: Mapping[str, Any], file: str, named: Path) -> Contract:
    """Check a contract that anyone may have made.

    Args:
        value: its content.
        file: its place in the bundle.
        named: the bundle, for messages.

    Returns:
        The contract.

    Raises:
        BundleFault: it does not hold, all faults at once.
    """
    faults: list[str] = []
    found = check(Contract, value, lambda key: f"{file}: {key[:200] or 'the file'}", faults)
    if found is None:
        raise BundleFault(named, [Fault(kind="contract form", says=text) for text in faults[:_SHOWN]])
    return found


def read(bundle: OpenBundle | Whole, artifact: str, named: Path) -> Contract:
    """Read the contract of an artifact, as apps read it.

    Args:
        bundle: open.
        artifact: its path in the bundle.
        named: what the user gave, for messages.

    Returns:
        The contract.

    Raises:
        BundleFault: there is none, it does not hold, or is of another file.
    """
    file = place(artifact)
    if file not in bundle.manifest["files"]:
        raise one(named, "manifest earlier", f"holds no {file}; ship it again with this version of edgetl.")
    found = checked(record(bundle.folder, file, named), file, named)
    if found.path != artifact:
        raise one(named, "contract differs", f"{file}: is of {found.path}, not of {artifact}.")
    return found
