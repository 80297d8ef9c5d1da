"""Arguments that several commands share, so that they are spelled and explained alike."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

RecipeArgument = Annotated[
    str, typer.Argument(metavar="RECIPE", help="A recipe file, or the name of one that comes with edgetl.")
]
SetOption = Annotated[
    list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Override a key: train[0].epochs=3. Repeatable.")
]
TargetOption = Annotated[
    list[str] | None, typer.Option("--target", metavar="FORMAT/SCHEME", help="Only this target. Repeatable.")
]
OutOption = Annotated[
    Path | None, typer.Option("--out", metavar="DIR", help="Folder for report, artifacts and bundle [runs/<recipe>].")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON on standard output and nothing else there.")]
AllowFailedOption = Annotated[
    bool, typer.Option("--allow-failed", help="Bundle even though a gate failed; the manifest says so.")
]
KeyOption = Annotated[
    Path | None,
    typer.Option("--key", metavar="FILE", help="Sign the bundle with this secret key [that of $EDGETL_SIGNING_KEY, if any]."),
]
