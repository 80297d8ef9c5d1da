"""`edgetl report …`: the report of a run as a page, and that page served with the shipped network running in it."""

from __future__ import annotations

import json as json_module
from pathlib import Path
from typing import Annotated

import typer

from edgetl.cli._options import JsonOption

_Run = Annotated[Path, typer.Argument(metavar="RUN", help="Folder of a run: runs/<recipe>.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    report = typer.Typer(
        help="The report of a run as a page; and that page with the shipped network in it.",
        no_args_is_help=True,
        rich_markup_mode=None,
    )
    app.add_typer(report, name="report")
    report.command("html", help="Write the page anew, from report.json and the pictures beside it.")(_html)
    report.command("serve", help="Serve the page to this computer, with the shipped ONNX file to try on photos.")(_serve)


def _html(
    run: _Run,
    out: Annotated[Path | None, typer.Option("--out", metavar="FILE", help="Write it there [RUN/report.html].")] = None,
    json: JsonOption = False,
) -> None:
    from edgetl.errors import InputError
    from edgetl.report import reading
    from edgetl.report.page import render

    if out is not None and (out.is_dir() or not out.absolute().parent.is_dir()):
        raise InputError(f"--out: {out}: {'is a folder' if out.is_dir() else f'no folder {out.parent}; make it first'}.")
    goal = render.write(reading.read(run), run, out)
    typer.echo(json_module.dumps({"schema": 1, "page": str(goal), "size_bytes": goal.stat().st_size}) if json else str(goal))


def _serve(
    run: _Run,
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="To listen on; 0 = any free one.")] = 8571,
    json: JsonOption = False,
) -> None:
    import contextlib
    import sys

    from edgetl.bundle.opening import opened
    from edgetl.report import reading
    from edgetl.report.page import fetch, serve, trial

    report, missing = reading.read(run), trial.absent(run)
    with contextlib.ExitStack() as stack:
        bundle = None if missing else stack.enter_context(opened(run / "bundle"))
        server = stack.enter_context(serve.server(serve.contents(report, run, bundle, missing, fetch.WEB), port))
        address = f"http://{serve.HOST}:{server.server_address[1]}/"
        if missing:
            print(f"edgetl: {missing}", file=sys.stderr)
        typer.echo(json_module.dumps({"schema": 1, "address": address}) if json else f"{address}  (Ctrl-C ends it)")
        sys.stdout.flush()
        with contextlib.suppress(KeyboardInterrupt):
            server.serve_forever()
