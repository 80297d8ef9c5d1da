"""`edgetl ship verify BUNDLE`: check everything in a bundle, and name the first thing wrong."""

from __future__ import annotations

import json as json_module
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from edgetl.cli._options import JsonOption

if TYPE_CHECKING:
    from edgetl.bundle.opening import Whole
    from edgetl.verification.shipped import Trial


def add(ship: typer.Typer) -> None:
    """Add the command."""
    ship.command("verify", help="Check all of a bundle, and name the first thing wrong. Exit 1 when there is one.")(_verify)


def _verify(
    bundle: Annotated[Path, typer.Argument(metavar="BUNDLE", help="The folder `bundle` of a run, or its bundle.zip.")],
    key: Annotated[
        Path | None, typer.Option("--key", metavar="PUB", help="Public key that must have signed it [origin not checked].")
    ] = None,
    run: Annotated[
        bool, typer.Option("--run", help="Run the files on the golden photos, too, and compare what they answer.")
    ] = False,
    json: JsonOption = False,
) -> None:
    from edgetl.bundle.faults import BundleFault, Fault
    from edgetl.bundle.verifying import described, verified
    from edgetl.errors import InputError
    from edgetl.signing import public_key
    from edgetl.types import to_json

    if not bundle.exists():
        raise InputError(f"{bundle}: no such bundle; give the folder `bundle` of a run, or its bundle.zip.")
    trusted = None if key is None else public_key(key)
    fault: Fault | None = None
    value: dict[str, Any] = {"schema": 1, "bundle": str(bundle), "sound": True}
    try:
        with verified(bundle, trusted) as whole:
            found, trials = described(whole, trusted), _run(whole) if run else ()
    except BundleFault as error:
        fault = error.found[0]
    else:
        value |= {**to_json(found), **({"runs": to_json(trials)} if run else {})}
        if wrong := [t for t in trials if t.outcome == "differs"]:
            fault = Fault(kind="answers differ", says=f"{wrong[0].path}: {wrong[0].says}")
    if fault is not None:
        value |= {"sound": False, "fault": to_json(fault)}
    if json:
        typer.echo(json_module.dumps(value, ensure_ascii=False))
    elif "name" in value:
        _show(bundle, value)
    if fault is not None and not json:
        typer.echo(f"{bundle}: {fault.kind}: {fault.says}")
    if fault is not None:
        raise typer.Exit(1)


def _run(whole: Whole) -> tuple[Trial, ...]:
    from edgetl.cli._progress import Bar
    from edgetl.verification import shipped

    with Bar() as bar:
        return shipped.run(whole, bar.told)


def _show(bundle: Path, told: dict[str, Any]) -> None:
    """Print what is known of a bundle that is whole."""
    size = f"{told['files']} files, {told['size_bytes'] / 1e6:.2f} MB"
    whole = "as it was shipped" if told["sound"] else "all files are there"
    typer.echo(f"{bundle}: {told['name']} {told['version']}, {size}: {whole}.")
    if told["origin_checked"]:
        typer.echo(f"Signed by {told['signed_by']}, the key given.")
    else:
        signed = f"It names the key {told['signed_by']}, which was not asked for" if told["signed_by"] else "It is not signed"
        typer.echo(f"Origin not checked: anybody can have made it. {signed}; give --key PUB to check who shipped it.")
    remarks: dict[str, list[str]] = {}
    for run in told.get("runs", ()):
        where = "" if run["runtime"] is None else f" in {run['runtime']}"
        off = "" if run["off"] is None else f", probabilities off by at most {run['off']:.2g} (allowed {run['allowed']:.2g})"
        says = run["says"] if run["outcome"] != "same" else ""
        typer.echo(f"{run['artifact']}{where}: {run['outcome']}{off}. {says}".rstrip())
        if run["says"] and not says:
            remarks.setdefault(run["says"], []).append(run["artifact"])
    for text, artifacts in remarks.items():
        typer.echo(f"{', '.join(artifacts)}: {text}")
