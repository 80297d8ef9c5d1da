"""Entry point: finds the command that is asked for, and turns every error into a message and an exit code, once."""

from __future__ import annotations

import gc
import importlib
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

import typer

from edgetl import __version__
from edgetl.errors import EdgetlError

_INTERRUPTED = 130
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")  # onnxruntime 1.31 keeps a file for it from its import on
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
_COMMANDS = (
    "run",
    "plan",
    "init",
    "convert",
    "verify",
    "bench",
    "ship",
    "channel",
    "report",
    "verdict",
    "inspect",
    "diagnose",
    "golden",
    "estimate",
    "device",
    "evidence",
    "ablate",
    "data",
    "list",
    "recipe",
    "doctor",
)
"""Modules of this folder, in the order of `--help`; each adds the command of its name."""


def _register(arguments: Sequence[str]) -> None:
    """Import the module of the command that is asked for; all of them where it is not clear, as for `--help`."""
    asked = next((argument for argument in arguments if not argument.startswith("-")), None)
    for name in (asked,) if asked in _COMMANDS else _COMMANDS:
        importlib.import_module(f"edgetl.cli.{name}").register(app)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"edgetl {__version__}")
        raise typer.Exit


@app.callback()
def _top(
    version: bool = typer.Option(False, "--version", callback=_version, is_eager=True, help="Print the version."),
) -> None:
    pass


def main() -> NoReturn:
    """Run the command line and leave with its exit code (README, "Exit codes")."""
    streams = [stream for stream in (sys.stdout, sys.stderr) if stream is not None]  # None: the caller closed it
    if sys.stdout is not None:
        sys.stdout.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]  # "→" on a terminal that lacks it
    code = _run()
    for stream in streams:
        try:
            stream.flush()
        except BrokenPipeError:
            code = 141  # as if ended by SIGPIPE, which is what `edgetl list | head` expects
    os._exit(code)  # nothing is left to tear down, and tearing it down takes longer than bare Python's start


def _keeps(arguments: Sequence[str]) -> bool:
    """Whether a command runs a recipe, whose steps are kept."""
    what = [argument for argument in arguments if not argument.startswith("-")]
    converted = (".tflite", ".onnx", ".mlpackage")
    endings = {"bench": converted, "verify": converted, "convert": (".keras", ".h5", ".hdf5", ".tflite", os.sep)}
    files = any(name.endswith(endings.get(what[0], ())) for name in what[1:]) if what else False
    return bool(what) and what[0] in ("run", "convert", "verify", "bench", "ship", "ablate") and not files


def _run() -> int:
    try:
        _register(sys.argv[1:])
        app()
    except SystemExit as leaving:
        if isinstance(leaving.__context__, BrokenPipeError):  # Typer makes 1 of it, which means a failed gate here
            return 141
        code = leaving.code if isinstance(leaving.code, int) else 0
        if code == _INTERRUPTED:  # Typer makes this of Ctrl-C
            kept = " The same command goes on from here." if _keeps(sys.argv[1:]) else ""
            print(f"edgetl: interrupted.{kept}", file=sys.stderr)
        return code
    except EdgetlError as error:
        print(f"edgetl: {error}", file=sys.stderr)
        return error.exit_code
    except BrokenPipeError:
        return 141
    except OSError as error:
        if error.filename is None and error.errno is None:
            return _bug(error)
        print(f"edgetl: {error.filename or 'input/output'}: {error.strerror or error}.", file=sys.stderr)
        return EdgetlError.exit_code
    except Exception as error:  # noqa: BLE001 - whatever gets here is a bug: keep the traceback, spare the reader
        return _bug(error)
    return 0


def _bug(error: Exception) -> int:
    import tempfile
    import traceback

    with tempfile.NamedTemporaryFile("w", prefix="edgetl-", suffix=".log", delete=False, encoding="utf-8") as file:
        traceback.print_exception(error, file=file)
    print(f"edgetl: this is a bug: {type(error).__name__}: {error}\n  Traceback: {Path(file.name)}", file=sys.stderr)
    return 70
