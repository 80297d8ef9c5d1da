"""`edgetl convert`: run a recipe as far as the converted files; or convert a trained network that came without one."""

from __future__ import annotations

import json as json_module
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from edgetl.cli._options import JsonOption, OutOption, TargetOption

if TYPE_CHECKING:
    from edgetl.conversion_request import Wishes

_ENDINGS = (".keras", ".h5", ".hdf5", ".tflite")
_FOREIGN = {
    ".onnx": "from ONNX nothing is converted: give the network it was made from, a .keras, .h5 or SavedModel",
    ".mlpackage": "from Core ML nothing is converted: give the network it was made from",
    ".pt": "networks of PyTorch are not read: export a SavedModel or a TFLite file (litert-torch)",
    ".pth": "networks of PyTorch are not read: export a SavedModel or a TFLite file (litert-torch)",
    ".pb": "give the folder that holds saved_model.pb",
}
_RANGES = {"0..1": (0.0, 255.0), "-1..1": (127.5, 127.5), "0..255": (0.0, 1.0)}
"""Name of a range → mean and deviation that make it of bytes."""
_MOST_LABELS_BYTES = 10_000_000
_Three = tuple[float, float, float]


def register(app: typer.Typer) -> None:
    """Add the command."""

    @app.command(help="Run a recipe as far as the converted files; or convert a network of your own, without a recipe.")
    def convert(
        what: Annotated[str, typer.Argument(metavar="RECIPE|MODEL", help="A recipe; or a .keras, .h5, .tflite or SavedModel.")],
        to: Annotated[str, typer.Option("--to", metavar="FORMAT,…", help="Model: formats [tflite,onnx,coreml].")] = "",
        scheme: Annotated[str, typer.Option("--scheme", metavar="SCHEME,…", help="Model: schemes, each in each format.")] = "",
        target: TargetOption = None,
        calibration: Annotated[
            Path | None, typer.Option("--calibration", metavar="FOLDER", help="Model: photos that give int8 its ranges.")
        ] = None,
        data: Annotated[
            Path | None, typer.Option("--data", metavar="FOLDER", help="Model: photos to test on [those of --calibration].")
        ] = None,
        labels: Annotated[
            Path | None, typer.Option("--labels", metavar="FILE", help="Model: class names, a line each, as its outputs.")
        ] = None,
        mean: Annotated[str, typer.Option("--mean", metavar="M|R,G,B", help="Model: fed (byte - mean) / std.")] = "",
        std: Annotated[str, typer.Option("--std", metavar="S|R,G,B", help="Model: with --mean.")] = "",
        range_: Annotated[
            str, typer.Option("--range", metavar="RANGE", help="Model: fed with 0..1, -1..1 or 0..255, instead of --mean.")
        ] = "",
        px: Annotated[int | None, typer.Option("--px", metavar="N", help="Model: side of an input it leaves open.")] = None,
        device: Annotated[
            list[str] | None, typer.Option("--device", metavar="NAME", help="Model: judge the files on it. Repeatable.")
        ] = None,
        set_: Annotated[
            list[str] | None,
            typer.Option("--set", metavar="KEY=VALUE", help="Recipe: any key. Model: io, layout, ranges and so on."),
        ] = None,
        out: OutOption = None,
        replace: Annotated[bool, typer.Option("--replace", help="Model: another conversion in --out may go.")] = False,
        json: JsonOption = False,
    ) -> None:
        from edgetl.errors import InputError

        path = Path(what)
        ending = path.suffix.lower()
        if ending in _FOREIGN:
            raise InputError(f"{what}: {_FOREIGN[ending]}.")
        of_model: dict[str, object] = {
            "--to": to,
            "--scheme": scheme,
            "--calibration": calibration,
            "--data": data,
            "--labels": labels,
        }
        of_model |= {"--mean": mean, "--std": std, "--range": range_, "--px": px, "--device": device, "--replace": replace}
        if ending not in _ENDINGS and not path.is_dir():
            faults = [f"{option}: is for a model; a recipe says it itself." for option, value in of_model.items() if value]
            if faults and not _is_recipe(what):
                raise InputError(f"{what}: no such file or folder. A model ends in {', '.join(_ENDINGS)}, or is a SavedModel.")
            if faults:
                raise InputError(f"convert: {what} is read as a recipe (a model ends in {', '.join(_ENDINGS)}).", faults)
            from edgetl.cli._deliver import deliver_and_show

            deliver_and_show(what, set_, "convert", target, out, json, False)
            return
        from edgetl import conversion_request as request

        faults = []
        feed = _feed(mean, std, range_, faults)
        names = _labels(labels, faults)
        targets = _targets(to, scheme, target or [], faults)
        if faults:
            raise InputError("convert: this cannot be done.", faults)
        wishes = request.Wishes(
            model=path, targets=targets, calibration=calibration, data=data, labels=names, feed=feed, px=px, out=out,
            replace=replace, devices=tuple(device or ()), options=request.options(set_ or ()),
        )  # fmt: skip
        _convert(wishes, json)


def _is_recipe(what: str) -> bool:
    """Whether there is such a file, or a recipe of this name comes with edgetl."""
    from edgetl.errors import UnknownName
    from edgetl.recipefile import find_recipe

    try:
        return find_recipe(what).exists()
    except UnknownName:
        return False


def _convert(wishes: Wishes, as_json: bool) -> None:
    import gc

    from edgetl import conversion
    from edgetl.cli._progress import Progress
    from edgetl.errors import EdgetlError

    gc.enable()
    with Progress() as progress:
        report = conversion.convert(wishes, progress)
    if as_json:
        typer.echo(json_module.dumps(report, ensure_ascii=False))
    else:
        from edgetl.cli._console import console
        from edgetl.report import brought

        brought.show(report, console())
    if any(artifact["status"] == "failed" for artifact in report["artifacts"]):
        raise typer.Exit(EdgetlError.exit_code)
    if report["failed"]:
        raise typer.Exit(1)


def _targets(to: str, scheme: str, named: list[str], faults: list[str]) -> tuple[str, ...]:
    """Every scheme in every format, and targets named one by one."""
    formats, schemes = ([word.strip() for word in text.split(",") if word.strip()] for text in (to, scheme))
    faults += [f"--target {name[:80]}: must be FORMAT/SCHEME." for name in named if name.count("/") != 1]
    if to and not schemes:
        faults.append("--to: needs --scheme: which numbers the files compute in, for example --scheme w8a8_ptq,fp16.")
    if not schemes and not named:
        faults.append("--scheme: is missing: w8a8_ptq for int8, fp16, fp32 … (`edgetl list schemes`).")
    return tuple(dict.fromkeys([f"{f}/{s}" for s in schemes for f in formats or ("tflite", "onnx", "coreml")] + named))


def _feed(mean: str, std: str, named: str, faults: list[str]) -> tuple[_Three, _Three] | None:
    """Mean and deviation of each channel, in bytes."""
    if named and (mean or std):
        faults.append("--range: give either it, or --mean and --std.")
    elif named:
        if named not in _RANGES:
            faults.append(f"--range: {named[:40]}: must be {', '.join(_RANGES)}.")
            return None
        centre, deviation = _RANGES[named]
        return (centre,) * 3, (deviation,) * 3
    elif bool(mean) != bool(std):
        faults.append("--mean and --std: go together: the network is fed with (byte - mean) / std.")
    elif mean:
        found = _three("--mean", mean, faults), _three("--std", std, faults)
        if min(found[1]) < 1.0:
            faults.append(
                f"--std: {std[:80]}: the formula is (byte - mean) / std, with bytes of 0 to 255. Of figures for 0 to 1, multiply "
                "both by 255: 0.229 is 58.395."
            )
        return found
    return None


def _three(option: str, text: str, faults: list[str]) -> _Three:
    """One number for all channels, or three."""
    import math

    try:
        values = [float(part) for part in text.split(",")]
    except ValueError:
        values = []
    if len(values) not in (1, 3) or not all(math.isfinite(v) and abs(v) <= 1e6 for v in values):
        faults.append(f"{option}: {text[:80]}: must be one number, or three with commas (red, green, blue).")
        return (1.0, 1.0, 1.0)
    return (values[0], values[-1] if len(values) == 1 else values[1], values[-1])


def _labels(path: Path | None, faults: list[str]) -> tuple[str, ...] | None:
    """Read class names, one a line."""
    if path is None:
        return None
    try:
        with path.open("rb") as file:
            text = file.read(_MOST_LABELS_BYTES + 1).decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        faults.append(f"--labels: {path}: cannot be read as text in UTF-8 ({getattr(error, 'strerror', None) or 'not UTF-8'}).")
        return None
    names = [line.strip() for line in text.rstrip().splitlines()]
    if len(text) > _MOST_LABELS_BYTES or not names or not all(names) or len(set(names)) < len(names):
        faults.append(f"--labels: {path}: must hold one name a line, each once, none empty.")
        return None
    return tuple(names)
