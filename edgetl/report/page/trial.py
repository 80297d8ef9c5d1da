"""What the served page needs to run a shipped ONNX file in a browser: the files, and what the golden contract expects of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgetl.bundle.opening import OpenBundle
from edgetl.errors import InputError
from edgetl.golden.expected import Expected, expected
from edgetl.types import to_json

WEB = Path(__file__).resolve().parents[2] / "_web"
"""What `make web` fetches; in a wheel when it was there."""
RUNTIME = ("ort.wasm.min.mjs", "ort-wasm-simd-threaded.mjs", "ort-wasm-simd-threaded.wasm")
"""Files of onnxruntime-web that a page loads: the interface, its glue, the kernels."""
_DTYPES = ("float32", "uint8", "int8")


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """What can be tried."""

    record: dict[str, Any]
    """What the page's script reads: `classes`, `preprocess`, `labels` of the golden photos and `artifacts`."""
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
        InputError: golden.json is not what edgetl writes.
    """
    files = {f"/ort/{name}": web / name for name in RUNTIME}
    told = list[dict[str, Any]]()
    found = bundle.golden.get("artifacts")
    kinds: dict[str, Any] = found if isinstance(found, dict) else {}
    for name in (name for name in kinds if str(name).startswith("onnx/")):
        wanted, kind = expected(bundle, name, "--artifact"), kinds[name]
        if kind.get("dtype") not in _DTYPES or kind.get("layout") not in ("NHWC", "NCHW"):
            continue
        files[f"/model/{len(told)}.onnx"] = bundle.folder / wanted.path
        told.append(_record(bundle, wanted, kind, f"/model/{len(told)}.onnx"))
    for number, image in enumerate(bundle.golden["images"] if told else ()):
        files[f"/golden/{number}"] = bundle.folder / "golden" / image["file"]
    record = {
        "schema": 1,
        "classes": list(bundle.class_names),
        "preprocess": to_json(bundle.preprocess),
        "labels": [_label(image.get("label")) for image in bundle.golden["images"]],
        "artifacts": told,
    }
    return Trial(record=record, files=files)


def _record(bundle: OpenBundle, wanted: Expected, kind: dict[str, Any], path: str) -> dict[str, Any]:
    made = [a for a in bundle.manifest.get("artifacts", ()) if isinstance(a, dict) and a.get("path") == wanted.path]
    outputs = made[0].get("outputs") if made else None
    if not isinstance(outputs, list) or len(outputs) != 1 or not isinstance(outputs[0], dict):
        raise InputError(f"manifest.json: {wanted.artifact}: does not say what its one output is; ship it again.")
    return {
        "name": wanted.artifact,
        "model": path,
        "dtype": kind["dtype"],
        "layout": kind["layout"],
        "scale": outputs[0].get("scale"),
        "zero_point": outputs[0].get("zero_point"),
        "sample_at": list(wanted.sample_at),
        "images": [{**to_json(image), "photo": f"/golden/{number}"} for number, image in enumerate(wanted.images)],
    }


def _label(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
