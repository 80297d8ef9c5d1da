"""Entry point: gathers the commands, and turns every error into a message and an exit code, once."""

from __future__ import annotations

import gc
import os
import sys
from pathlib import Path

import typer

from edgetl import __version__
from edgetl.cli import bench, convert, doctor, init, plan, recipe, run, ship, verify
from edgetl.cli import list as listing
from edgetl.errors import EdgetlError

gc.disable()  # a short command is over before collecting pays; `_deliver` turns it on again for a run

app = typer.Typer(
    name="edgetl",
    help="From a folder of photos to a vision model on a phone: fine-tune, quantize, convert, verify, time, judge, ship.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,  # plain help: starting Rich would double the time that --help takes
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for _module in (run, plan, init, convert, verify, bench, ship, listing, recipe, doctor):
    _module.register(app)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"edgetl {__version__}")
        raise typer.Exit


@app.callback()
def _top(
    version: bool = typer.Option(False, "--version", callback=_version, is_eager=True, help="Print the version."),
) -> None:
    pass


def main() -> None:
    """Run the command line and leave with its exit code (README, "Exit codes")."""
    try:
        app()
    except EdgetlError as error:
        print(f"edgetl: {error}", file=sys.stderr)
        _leave(error.exit_code)
    except KeyboardInterrupt:
        print("edgetl: interrupted. The same command goes on from here.", file=sys.stderr)
        _leave(130)
    except BrokenPipeError:
        _leave(141)
    except Exception as error:  # noqa: BLE001 - whatever gets here is a bug: keep the traceback, spare the reader
        _leave(_bug(error))


def _bug(error: Exception) -> int:
    import tempfile
    import traceback

    with tempfile.NamedTemporaryFile("w", prefix="edgetl-", suffix=".log", delete=False, encoding="utf-8") as file:
        traceback.print_exception(error, file=file)
    print(f"edgetl: this is a bug: {type(error).__name__}: {error}\n  Traceback: {Path(file.name)}", file=sys.stderr)
    return 70


def _leave(code: int) -> None:
    sys.stderr.flush()
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    sys.exit(code)
