"""`edgetl bench`: time converted files on this host, or run a recipe as far as its timings."""

from __future__ import annotations

import json as json_module
from pathlib import Path
from typing import Annotated

import typer

from edgetl.cli._options import JsonOption, OutOption, SetOption, TargetOption

_ENDINGS = (".tflite", ".onnx", ".mlpackage")


def register(app: typer.Typer) -> None:
    """Add the command."""

    @app.command(help="Time converted files on this host, or run a recipe as far as its timings.")
    def bench(
        what: Annotated[
            list[str], typer.Argument(metavar="FILE...|RECIPE", help="Files that end in .tflite or .onnx; or one recipe.")
        ],
        threads: Annotated[str, typer.Option("--threads", metavar="N,N", help="Files: thread counts to time [1].")] = "",
        compare: Annotated[bool, typer.Option("--compare", help="Files: hold the others against the first, in turns.")] = False,
        sustained: Annotated[
            float | None, typer.Option("--sustained", metavar="S", help="Files: run S seconds without a pause, too.")
        ] = None,
        profile: Annotated[bool, typer.Option("--profile", help="Files: time every operator, too.")] = False,
        image: Annotated[
            Path | None,
            typer.Option("--image", metavar="PHOTO", help="Files: time what an app does before and after, too."),
        ] = None,
        runs: Annotated[int | None, typer.Option("--runs", metavar="N", help="Files: fresh processes a file [5].")] = None,
        seconds: Annotated[
            float | None,
            typer.Option("--seconds", metavar="S", help="Files: timed seconds a file [3], and of turns with --compare [10]."),
        ] = None,
        device: Annotated[
            str | None, typer.Option("--device", metavar="NAME", help="Files: time them on this device of connections.yaml.")
        ] = None,
        via: Annotated[str | None, typer.Option("--via", metavar="WAY", help="With --device: connection to use.")] = None,
        ledger: Annotated[
            Path | None, typer.Option("--ledger", metavar="DIR", help="With --device: where evidence goes [evidence].")
        ] = None,
        set_: SetOption = None,
        target: TargetOption = None,
        out: OutOption = None,
        json: JsonOption = False,
    ) -> None:
        from edgetl.errors import InputError

        files = [Path(name) for name in what if name.endswith(_ENDINGS)]
        for_files = {"--threads": threads, "--compare": compare, "--sustained": sustained, "--profile": profile, "--image": image}
        for_files |= {"--runs": runs, "--seconds": seconds}
        if device is None and (via or ledger):
            raise InputError("--via and --ledger: are for --device.")
        if device is not None:
            _bench_there(files, what, device, via, ledger, threads, seconds, {**for_files, "--set": set_, "--out": out}, json)
            return
        if files:
            faults = [f"{name}: is no file that ends in {', '.join(_ENDINGS)}." for name in what if not name.endswith(_ENDINGS)]
            faults += [f"{o}: is for a recipe." for o, v in (("--set", set_), ("--target", target), ("--out", out)) if v]
            _bench_files(files, faults, for_files, json)
            return
        faults = [f"{option}: is for files; a recipe says it under benchmark." for option, value in for_files.items() if value]
        faults += ["give one recipe at a time."] if len(what) > 1 else []
        if faults:
            raise InputError("bench: this cannot be done.", faults)
        from edgetl.cli._deliver import deliver_and_show

        deliver_and_show(what[0], set_, "benchmark", target, out, json, False)


def _bench_files(files: list[Path], faults: list[str], given: dict[str, object], as_json: bool) -> None:
    """Check what was asked for, all at once, then measure and show."""
    import gc

    from edgetl.cli._progress import Bar
    from edgetl.errors import EdgetlError, InputError
    from edgetl.stages.convert import measure
    from edgetl.timing.files import Subject, Wishes, bench, runtime_of

    gc.enable()
    text = str(given["--threads"]) or "1"
    counts = tuple(int(part) if part.isascii() and part.isdigit() else 0 for part in text.split(","))
    if not all(1 <= count <= 256 for count in counts) or len(set(counts)) < len(counts):
        faults.append(f"--threads: {text[:80]}: must be different numbers from 1 to 256, with commas: 1,2.")
    photo = None
    for path in files:
        try:
            if not path.exists():
                faults.append(f"{path}: no such file.")
            else:
                runtime_of(path)
        except InputError as error:
            faults.append(str(error))
    if given["--image"] is not None:
        photo = _photo(Path(str(given["--image"])), faults)
    numbers = {"--sustained": (1.0, 86_400.0), "--runs": (1, 100), "--seconds": (0.1, 3600.0)}
    for option, (least, most) in numbers.items():
        value = given[option]
        if value is not None and not least <= float(str(value)) <= most:
            faults.append(f"{option}: {value}: must be {least:g} to {most:g}.")
    if given["--compare"] and len(files) < 2:
        faults.append("--compare: needs two files, the first of which the others are held against.")
    if faults:
        raise InputError("bench: this cannot be done.", faults)
    seconds = None if given["--seconds"] is None else float(str(given["--seconds"]))
    wishes = Wishes(
        threads=counts,
        processes=int(str(given["--runs"] or 5)),
        seconds=seconds or 3.0,
        turns_s=seconds or 10.0,
        compare=bool(given["--compare"]),
        sustained_s=None if given["--sustained"] is None else float(str(given["--sustained"])),
        profile=bool(given["--profile"]),
        photo=photo,
    )
    subjects = []
    for path in files:
        digest, size, delivered = measure(path)
        subjects.append(Subject(path=path, sha256=digest, size_bytes=size, delivered_bytes=delivered))
    with Bar() as bar:
        result = bench(subjects, wishes, bar.told)
    if as_json:
        typer.echo(json_module.dumps(result, ensure_ascii=False, allow_nan=False))
    else:
        from rich.console import Console

        from edgetl.report import timings

        timings.show(result, Console())
    if result["failed"] or any("error" in row for row in result["files"]):
        raise typer.Exit(EdgetlError.exit_code)


def _bench_there(
    files: list[Path],
    what: list[str],
    device: str,
    via: str | None,
    ledger: Path | None,
    threads: str,
    seconds: float | None,
    given: dict[str, object],
    as_json: bool,
) -> None:
    """Time files on a device, and keep the results in the ledger."""
    from edgetl import desk, ondevice
    from edgetl.devices import load_device
    from edgetl.errors import InputError
    from edgetl.ledger import FOLDER
    from edgetl.reading import plain

    faults = [f"{name}: is no file that ends in {', '.join(_ENDINGS)}." for name in what if not name.endswith(_ENDINGS)]
    taken = ("--threads", "--seconds")
    faults += [f"{option}: is for timings on this computer." for option, value in given.items() if value and option not in taken]
    if not threads.isdigit() and threads:
        faults.append(f"--threads: {threads[:80]}: must be one number; a device is timed with one at a time.")
    if faults:
        raise InputError("bench --device: this cannot be done.", faults)
    profile = load_device(device, "--device")
    way = desk.settings_of(profile.name, via)
    folder = ledger or Path(FOLDER)
    records = []
    for path in files:
        record, unsettled = ondevice.measure(way, profile.name, path, int(threads or profile.threads), seconds or 3.0, folder)
        records.append(record)
        if unsettled:
            typer.echo(f"{path.name}: the times never came to a steady state; the verdict will say unsure or mind it.", err=True)
    if as_json:
        told = {"schema": 1, "ledger": str(folder), "records": [{"id": r.id, **plain(r)} for r in records]}
        typer.echo(json_module.dumps(told, ensure_ascii=False))
        return
    from edgetl.costs import p90_of
    from edgetl.stats import percentile

    for record in records:
        values = record.reading.values_ms or tuple(record.reading.statistics_ms.stated.values())
        p90, between, _ = p90_of(record.reading)
        ends = f" ({between[0]:.3g} to {between[1]:.3g})" if between else ""
        middle = f"p50 {percentile(values, 50.0):.3g} ms, p90 {p90:.3g} ms{ends}"
        runtime = f"{record.reading.runtime} {record.reading.runtime_version or ''}".strip()
        typer.echo(f"{record.artifact} on {profile.title}: {middle}; {runtime}, {record.how}. Kept in {folder}.")


def _photo(path: Path, faults: list[str]) -> bytes | None:
    """Read the photo, bounded and decoded once, so that a bad one is refused before anything is timed."""
    from edgetl.preprocess import MAX_BYTES, ImageFault, decode

    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
        decode(data)
        return data
    except OSError as error:
        faults.append(f"--image: {path}: cannot be read: {error.strerror}.")
    except ImageFault as error:
        faults.append(f"--image: {path}: {error}.")
    return None
