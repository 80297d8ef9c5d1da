"""A child process that speaks for a device: what it says is bounded in length and time, and nothing of it acts on a terminal."""

from __future__ import annotations

import os
import selectors
import signal
import subprocess
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

MAX_ANSWER_BYTES = 2**20


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """A command that ended, or was ended."""

    code: int | None
    """Exit code; None when it took too long."""
    out: bytes
    """Standard output, at most `MAX_ANSWER_BYTES`."""
    last_words: str
    """End of standard error, printable, each line after a line break and two spaces."""


class LastWords:
    """The end of what a process says on standard error: read all the time, so that it never blocks; kept in bounded memory."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream, self._kept = stream, b""
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        with self._stream as stream:
            while piece := os.read(stream.fileno(), 2**16):
                self._kept = (self._kept + piece)[-4096:]

    def text(self) -> str:
        """Last six lines, what cannot be printed replaced; each after a line break and two spaces."""
        self._reader.join(0.2)  # what the process said when it ended is still on its way
        lines = self._kept.decode("utf-8", errors="replace").splitlines()
        return "".join(f"\n  {printable(line.rstrip(), 300)}" for line in lines[-6:])


def printable(text: object, most: int) -> str:
    """Cut a text of a device to a length, and replace what would act on a terminal.

    Args:
        text: what the device said.
        most: characters kept.

    Returns:
        At most `most` printable characters.
    """
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in str(text)[:most])


def run(argv: Sequence[str], seconds: float, source: Path | None = None) -> Done:
    """Run a command to its end.

    Args:
        argv: program and arguments.
        seconds: after them it is ended.
        source: file for its standard input; without it, it gets none.

    Returns:
        What it said. A command that says more than `MAX_ANSWER_BYTES` is ended too, and its answer cut there.
    """
    pipe = subprocess.PIPE
    with open(source or os.devnull, "rb") as stdin:
        process = subprocess.Popen(argv, stdin=stdin, stdout=pipe, stderr=pipe, start_new_session=True)
        assert process.stderr is not None
        said = LastWords(process.stderr)
        try:
            out = ending(process, seconds)
            code = None if out is None else process.poll()
        finally:
            finish(process)
    return Done(code=process.returncode if out is not None and code is None else code, out=out or b"", last_words=said.text())


def ending(process: subprocess.Popen[bytes], seconds: float, until: bytes = b"") -> bytes | None:
    """Read a process's standard output.

    Args:
        process: with a pipe for its output.
        seconds: longest time.
        until: what the output ends with when enough was read; without it, its end.

    Returns:
        What was read, at most `MAX_ANSWER_BYTES`; None when that takes longer than `seconds`.
    """
    assert process.stdout is not None
    end, found = time.monotonic() + seconds, b""
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        while len(found) <= MAX_ANSWER_BYTES:
            if not selector.select(max(end - time.monotonic(), 0)):
                return None
            piece = os.read(process.stdout.fileno(), 2**16)
            found += piece
            if not piece:
                try:
                    process.wait(timeout=max(end - time.monotonic(), 1))
                except subprocess.TimeoutExpired:
                    return None
                return found
            if until and found.endswith(until):
                return found
    return found[:MAX_ANSWER_BYTES]


def finish(process: subprocess.Popen[bytes]) -> None:
    """End a process and all that it started, and close its pipes. Safe to call twice."""
    for number, patience_s in ((signal.SIGTERM, 2.0), (signal.SIGKILL, None)):
        if process.poll() is not None:
            break
        try:
            os.killpg(process.pid, number)
            process.wait(timeout=patience_s)
        except (ProcessLookupError, subprocess.TimeoutExpired):
            continue
    for stream in (process.stdin, process.stdout):
        try:
            if stream is not None:
                stream.close()
        except OSError:
            continue
