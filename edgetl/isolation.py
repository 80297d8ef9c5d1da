"""Run one step, or one function, in a child process and pass on what it says; the parent side of `edgetl.worker`."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from edgetl import errors, signing
from edgetl.stages._base import Job
from edgetl.types import to_json

_ENVIRONMENT = {
    "CUDA_VISIBLE_DEVICES": "",
    "ORT_DISABLE_TELEMETRY": "1",  # else onnxruntime 1.31 writes a file when it is imported, and has an address to report to
    "PYTHONHASHSEED": "0",  # tf2onnx names its nodes in the order of a set
    "TF_CPP_MIN_LOG_LEVEL": "3",
    "TF_ENABLE_ONEDNN_OPTS": "0",  # oneDNN's sums depend on how the work was dealt to threads
    "TF_USE_LEGACY_KERAS": "1",
}
_LOG_TAIL_LINES = 3

_running: set[subprocess.Popen[str]] = set()
_lock = threading.Lock()
stopping = threading.Event()
"""Set while a run is being ended; then a child's death is no failure of its own."""


def run_job(
    job: Job,
    log: Path,
    on_event: Callable[[dict[str, Any]], None],
    environment: Mapping[str, str | None] = MappingProxyType({}),
) -> dict[str, Any]:
    """Run a step in a fresh process.

    Args:
        job: the step.
        log: file that receives all the child prints besides events.
        on_event: called with each progress event.
        environment: variables that the stage wants to be other than usual; None: as they are in this process.

    Returns:
        What the stage answered.

    Raises:
        EdgetlError: the stage failed, with its own class, message and exit code; or the child died (StageError).
    """
    return _run(to_json(job), (job.stage, job.target), log, on_event, environment)


def call(
    module: str,
    arguments: dict[str, Any],
    what: str,
    log: Path,
    on_event: Callable[[dict[str, Any]], None],
    limit_s: float | None = None,
) -> dict[str, Any]:
    """Call `run(arguments, emit)` of a module of edgetl in a fresh process.

    Args:
        module: "edgetl.answers".
        arguments: plain JSON.
        what: is done to what, in some words; begins the message when the child dies.
        log: file that receives all the child prints besides events; gone afterwards when the call went well.
        on_event: called with each progress event.
        limit_s: longest time; None = any.

    Returns:
        What the function returned.

    Raises:
        EdgetlError: the function raised one; or the child died, or took too long (StageError).
    """
    return _run({"module": module, "arguments": arguments}, (what, ""), log, on_event, MappingProxyType({}), limit_s)


def _run(
    work: dict[str, Any],
    step: tuple[str, str],
    log: Path,
    on_event: Callable[[dict[str, Any]], None],
    environment: Mapping[str, str | None],
    limit_s: float | None = None,
) -> dict[str, Any]:
    """Start the child with its work; `step` is what a message begins with: stage and target."""
    path = log.with_suffix(".job.json")
    log.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(work, ensure_ascii=False), encoding="utf-8")
    answer: dict[str, Any] | None = None
    with log.open("w", encoding="utf-8") as sink:
        child = subprocess.Popen(
            [sys.executable, "-m", "edgetl.worker", str(path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=sink,
            env=_merged(environment),
            text=True,
            encoding="utf-8",
        )
        with _lock:
            _running.add(child)
        late = threading.Event()

        def end() -> None:
            late.set()
            child.kill()

        clock = threading.Timer(limit_s or 0.0, end)
        if limit_s is not None:
            clock.start()
        try:
            assert child.stdout is not None
            for line in child.stdout:
                event = json.loads(line)
                if "result" in event or "failed" in event:
                    answer = event
                else:
                    on_event(event)
            code = child.wait()
        finally:
            clock.cancel()
            stop(child)
            path.unlink(missing_ok=True)
    if answer is not None and "result" in answer:
        log.unlink(missing_ok=True)
        result: dict[str, Any] = answer["result"]
        return result
    if answer is not None:
        raise _revive(step, answer, log)
    if late.is_set():
        raise errors.StageError(*step, f"took longer than {limit_s:g} s and was ended. Log: {log}")
    why = f"its process was killed by signal {-code}" if code < 0 else f"its process ended with code {code}"
    hint = " (out of memory?)" if code == -9 else ""
    raise errors.StageError(*step, f"{why}{hint}. Log: {log}\n{_tail(log)}".rstrip())


def _merged(wishes: Mapping[str, str | None]) -> dict[str, str]:
    """Variables of a child: this process's, the settings above, and what its stage asks for. No key to sign with."""
    found = {**os.environ, **_ENVIRONMENT}
    found.pop(signing.VARIABLE, None)
    for name, value in wishes.items():
        kept = os.environ.get(name) if value is None else value
        found.pop(name, None)
        if kept is not None:
            found[name] = kept
    return found


def stop(child: subprocess.Popen[str]) -> None:
    """End one child, if it still runs."""
    with _lock:
        _running.discard(child)
    if child.poll() is None:
        child.kill()
        child.wait()
    for stream in (child.stdin, child.stdout):
        if stream is not None:
            stream.close()


def stop_all() -> None:
    """End every child of this process; for Ctrl-C."""
    stopping.set()
    with _lock:
        children = tuple(_running)
    for child in children:
        child.kill()


def _revive(step: tuple[str, str], answer: dict[str, Any], log: Path) -> errors.EdgetlError:
    """Rebuild the child's error: the same class as far as its message goes, and the same exit code."""
    kind = getattr(errors, answer["failed"], None) if answer["failed"] else None
    if kind is None:
        return errors.StageError(*step, f"{answer['message']}. Log: {log}")
    log.unlink(missing_ok=True)
    error = errors.EdgetlError(answer["message"])
    error.__class__ = kind
    error.exit_code = answer["exit_code"]
    return error


def _tail(log: Path) -> str:
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    return "\n".join(f"  {line}" for line in lines[-_LOG_TAIL_LINES:])
