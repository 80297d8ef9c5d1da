"""A bundle → what the code for one of its artifacts is written from, read strictly: a bundle may come from anyone."""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from edgetl import content
from edgetl.apps._base import App
from edgetl.bundle.opening import OpenBundle
from edgetl.errors import InputError
from edgetl.golden.expected import expected, opening
from edgetl.schema import Bound, MinItems, Pattern, check
from edgetl.types import Preprocess, TensorSpec, to_json

_MOST_LABEL = 512
_TYPES = ("float16", "float32", "image", "int8", "string", "uint8")
_TensorName = Annotated[str, Pattern(r"[^\x00-\x1f\x7f]{1,512}", "one line of at most 512 printable characters")]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Tensor:
    name: _TensorName
    shape: tuple[int, ...]
    dtype: Literal["float16", "float32", "image_rgb8", "int8", "uint8"]
    layout: Literal["NHWC", "NCHW", "NC"]
    scale: Annotated[float, Bound(ge=1e-30, le=1e30)] | None = None
    zero_point: Annotated[int, Bound(ge=-128, le=255)] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Shipped:
    inputs: Annotated[tuple[_Tensor, ...], MinItems(1)]
    outputs: Annotated[tuple[_Tensor, ...], MinItems(1)]


def read(bundle: OpenBundle, artifact: str | None, formats: Container[str], package: str) -> App:
    """Read what an app needs.

    Args:
        bundle: opened.
        artifact: `format/scheme`; None = the only one of `formats`.
        formats: that the platform runs.
        package: name of the code's package.

    Returns:
        The facts, held against the artifact's own file.

    Raises:
        InputError: the bundle does not hold, or the artifact is not one for this platform.
    """
    names = bundle.golden.get("artifacts")
    able = [str(n) for n in names if str(n).partition("/")[0] in formats] if isinstance(names, dict) else []
    if artifact is None:
        if len(able) != 1:
            what = f"must name one of: {', '.join(able)}." if able else f"the bundle has none; it has: {', '.join(names or ())}."
            raise InputError(f"--artifact: {what}")
        artifact = able[0]
    found = expected(bundle, artifact, "--artifact")
    form = artifact.partition("/")[0]
    if artifact not in able:
        raise InputError(f"--artifact: {artifact} does not run there. Those of the bundle that do: {', '.join(able) or 'none'}.")
    path, given = opening(bundle, found)
    shipped = _shipped(bundle.manifest, found.path)
    _check_preprocess(given.preprocess)
    entrance, exit_ = shipped.inputs[0], shipped.outputs[0]
    if given.dtype != "image" and (entrance.dtype != given.dtype or entrance.layout != given.layout):
        raise InputError(
            f"manifest.json: {artifact}: says that the input is {entrance.dtype} {entrance.layout}; "
            f"the file takes {given.dtype} {given.layout}."
        )
    if exit_.dtype in ("uint8", "int8") and (exit_.scale is None or exit_.zero_point is None):
        raise InputError(f"manifest.json: {artifact}: its {exit_.dtype} output has no scale and zero point.")
    return App(
        title=_line(bundle.manifest.get("title") or bundle.manifest.get("name"), "title"),
        package=package,
        format=form,
        artifact=artifact,
        model=_files(bundle, found.path),
        manifest_sha256=content.digest(bundle.folder / "manifest.json", "manifest.json"),
        preprocess=given.preprocess,
        dtype=given.dtype,
        layout=given.layout,
        input=_spec(entrance),
        output=_spec(exit_),
        labels=_labels(bundle.class_names),
        named_from=_named_from(bundle.manifest),
        expected=found,
        golden={image.file: bundle.folder / "golden" / image.file for image in found.images},
    )


def _check_preprocess(preprocess: Preprocess) -> None:
    """Sizes and constants stand in code as they are, so each must be of its type."""
    faults: list[str] = []
    if check(Preprocess, to_json(preprocess), lambda key: f"preprocess.json: {key}", faults) is None:
        raise InputError("preprocess.json: is not what edgetl writes.", faults)


def _files(bundle: OpenBundle, path: str) -> dict[str, Path]:
    """The artifact's files as the manifest names them; of a package, by their path inside it."""
    named = {str(name).removeprefix(path): bundle.folder / name for name in bundle.manifest["files"]}
    suffix = Path(path).suffix
    return {f"model{suffix}{rest}": file for rest, file in named.items() if file.is_relative_to(bundle.folder / path)}


def _shipped(manifest: dict[str, Any], path: str) -> _Shipped:
    rows = manifest.get("artifacts")
    mine = [r for r in rows if isinstance(r, dict) and r.get("path") == path] if isinstance(rows, list) else []
    if len(mine) != 1:
        raise InputError(f"manifest.json: must describe {path} once; ship the bundle again with this version.")
    faults: list[str] = []
    plain = {key: mine[0].get(key) for key in ("inputs", "outputs")}
    found = check(_Shipped, plain, lambda key: f"manifest.json: {path}: {key}", faults)
    if found is None or faults:
        raise InputError("manifest.json: is not what edgetl writes.", faults[:20])
    return found


def _spec(tensor: _Tensor) -> TensorSpec:
    return TensorSpec(
        name=tensor.name,
        shape=tensor.shape,
        dtype=tensor.dtype,
        layout=tensor.layout,
        scale=tensor.scale,
        zero_point=tensor.zero_point,
    )


def _labels(names: tuple[str, ...]) -> tuple[str, ...]:
    bad = [name for name in names if not name or len(name) > _MOST_LABEL or not _text(name)]
    if bad:
        raise InputError(f"manifest.json: classes: {bad[0][:40]!r} must be 1 to {_MOST_LABEL} characters of valid text.")
    if len(set(names)) < len(names):
        raise InputError("manifest.json: classes: names one class twice.")
    return names


def _line(value: Any, key: str) -> str:
    if not isinstance(value, str) or not _text(value) or not value.isprintable() or not 1 <= len(value) <= _MOST_LABEL:
        raise InputError(f"manifest.json: {key}: must be one line of at most {_MOST_LABEL} characters.")
    return value


def _text(value: str) -> bool:
    """Whether it is Unicode: JSON can hold halves of pairs, which no language's literals can."""
    return not any("\ud800" <= letter <= "\udfff" for letter in value)


def _named_from(manifest: dict[str, Any]) -> float | None:
    answers = manifest.get("answers")
    if not isinstance(answers, dict) or answers.get("labels_per_image") not in ("one", "several"):
        raise InputError("manifest.json: answers: does not say whether a photo has one label or several.")
    if answers["labels_per_image"] == "one":
        return None
    least = answers.get("named_from")
    if not isinstance(least, int | float) or isinstance(least, bool) or not 0.0 <= least <= 1.0:
        raise InputError("manifest.json: answers.named_from: must be a probability.")
    return float(least)
