"""`edgetl verify`: prove converted files on photos, or run a recipe as far as that proof."""

from __future__ import annotations

import json as json_module
from pathlib import Path
from typing import Annotated, Any

import typer

from edgetl.cli._options import JsonOption, OutOption, SetOption, TargetOption

_ENDINGS = (".tflite", ".onnx", ".mlpackage")


def register(app: typer.Typer) -> None:
    """Add the command."""

    @app.command(help="Prove converted files on photos, or run a recipe as far as that proof. Exit 1 when a gate fails.")
    def verify(
        what: Annotated[
            list[str],
            typer.Argument(metavar="FILE...|RECIPE", help="Files that end in .tflite, .onnx or .mlpackage; or one recipe."),
        ],
        data: Annotated[
            Path | None,
            typer.Option("--data", metavar="FOLDER", help="Files: photos, one sub-folder a class [the run's own test split]."),
        ] = None,
        witness: Annotated[
            list[str] | None,
            typer.Option(
                "--witness",
                metavar="NAME",
                help="Files: ask this runtime, connection or device, too; `all`: all runtimes here. Repeatable.",
            ),
        ] = None,
        recipe: Annotated[
            str | None, typer.Option("--recipe", metavar="RECIPE", help="Files that no run wrote down: how photos are prepared.")
        ] = None,
        against: Annotated[
            Path | None,
            typer.Option("--against", metavar="PATH", help="Files: checkpoint's folder, or a file [the run's checkpoint]."),
        ] = None,
        limit: Annotated[int | None, typer.Option("--limit", metavar="N", help="Files: take at most N images.")] = None,
        max_top1_drop: Annotated[
            float | None,
            typer.Option("--max-top1-drop", metavar="X", help="Files: largest drop allowed [the run's gate, else 0.01]."),
        ] = None,
        strict: Annotated[bool, typer.Option("--strict", help="Files: exit 1 when too few images decide a gate, too.")] = False,
        set_: SetOption = None,
        target: TargetOption = None,
        out: OutOption = None,
        json: JsonOption = False,
    ) -> None:
        from edgetl.errors import InputError

        files = tuple(Path(name) for name in what if name.endswith(_ENDINGS))
        of_files: dict[str, Any] = {"--data": data, "--witness": witness, "--recipe": recipe, "--against": against}
        of_files |= {"--limit": limit, "--max-top1-drop": max_top1_drop, "--strict": strict or None}
        if files:
            faults = [f"{name}: is no file that ends in {', '.join(_ENDINGS)}." for name in what if not name.endswith(_ENDINGS)]
            faults += [f"{o}: is for a recipe." for o, v in (("--set", set_), ("--target", target), ("--out", out)) if v]
            faults += [f"--limit: {limit}: must be at least 1."] if limit is not None and limit < 1 else []
            if max_top1_drop is not None and not 0.0 <= max_top1_drop <= 1.0:
                faults.append(f"--max-top1-drop: {max_top1_drop}: must be 0 to 1.")
        else:
            faults = [f"{o}: is for files." for o, v in of_files.items() if v is not None]
            faults += ["give one recipe at a time."] if len(what) > 1 else []
        if faults:
            raise InputError("verify: this cannot be done.", faults)
        if not files:
            from edgetl.cli._deliver import deliver_and_show

            deliver_and_show(what[0], set_, "verify", target, out, json, False)
            return
        from edgetl.verification.given import Asked

        asked = Asked(
            files=files,
            data=data,
            witnesses=tuple(witness or ()),
            recipe=recipe,
            against=against,
            limit=limit,
            max_top1_drop=max_top1_drop,
        )
        _verify_files(asked, strict, json)


def _verify_files(asked: Any, strict: bool, as_json: bool) -> None:
    """Verify, show, and leave with 0, or 1 when a gate fails."""
    import gc

    from edgetl.cli._console import console
    from edgetl.cli._progress import Bar
    from edgetl.verification.judge import verify

    gc.enable()
    with Bar() as bar:
        found = verify(asked, bar.told)
    if as_json:
        typer.echo(json_module.dumps(found, ensure_ascii=False, allow_nan=False))
    else:
        from edgetl.report import verified

        verified.show(found, console())
    if found["failed"] or (strict and found["unsure"]):
        raise typer.Exit(1)
