"""What the served page needs to run a shipped ONNX file in a browser: the files, and what the golden contract expects of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgetl.bundle.contracts import Contract
from edgetl.bundle.opening import OpenBundle
from edgetl.golden.expected import expected, paths
from edgetl.report.page.fetch import RUNTIME, WEB
from edgetl.types import to_json

_STEPS = ("resize_px", "crop_px", "interpolation", "mean", "std")


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """What can be tried."""

    record: dict[str, Any]
    """What the page's script reads: `classes`, `labels` of the golden photos and `artifacts`."""
    files: Mapping[str, Path]
    """Path on the server → file."""


def absent(folder: Path, web: Path = WEB) -> str:
    """Say why nothing can be tried, or "".

    Args:
        folder: of the run.
        web: where onnxruntime-web is.
    """
    if not (folder / "bundle").is_dir():
        return "This run made no bundle, so no file was shipped. Bundle it with `edgetl ship RECIPE`, then serve again."
    if not all((web / name).is_file() for name in RUNTIME):
        return (
            "onnxruntime-web is not here. Fetch it once with `make web`, or `python -m edgetl.report.page.fetch` (needs npm); "
            "then serve again."
        )
    return ""


def trial(bundle: OpenBundle, web: Path = WEB) -> Trial:
    """Gather what the page needs.

    Args:
        bundle: opened, so its files are what its manifest says.
        web: where onnxruntime-web is.

    Returns:
        The record and the files; the record names no artifact where the bundle has no ONNX file that takes pixels.

    Raises:
        InputError: a contract is not what edgetl writes.
    """
    files = {f"/ort/{name}": web / name for name in RUNTIME}
    told = list[dict[str, Any]]()
    for name in (name for name in paths(bundle) if name.startswith("onnx/")):
        contract = expected(bundle, name, "--artifact")
        if contract.input.dtype == "image":
            continue
        files[f"/model/{len(told)}.onnx"] = bundle.folder / contract.path
        told.append(_record(contract, f"/model/{len(told)}.onnx"))
    for number, image in enumerate(bundle.golden["images"] if told else ()):
        files[f"/golden/{number}"] = bundle.folder / "golden" / image["file"]
    record = {
        "schema": 1,
        "classes": list(bundle.class_names),
        "labels": [_label(image.get("label")) for image in bundle.golden["images"]],
        "artifacts": told,
    }
    return Trial(record=record, files=files)


def _record(contract: Contract, path: str) -> dict[str, Any]:
    return {
        "name": contract.artifact,
        "model": path,
        "dtype": contract.input.dtype,
        "layout": contract.input.layout,
        "preprocess": {key: getattr(contract.input, key) for key in _STEPS},
        "scale": contract.output.scale,
        "zero_point": contract.output.zero_point,
        "sample_at": list(contract.sample_at),
        "images": [{**to_json(photo), "photo": f"/golden/{number}"} for number, photo in enumerate(contract.golden)],
    }


def _label(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
