"""Inspect a file in a child process with limits on memory, time and files, so that no file can harm the process that asks.

The child (`python -m edgetl.inspection.child`) costs a fifth of a second. What kills it, a crash in a parser's C++ code among
others, becomes a refusal here.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from typing import Any

from edgetl.errors import InputError
from edgetl.inspection.records import Asked
from edgetl.types import to_json

TIME_S = 180.0
"""Longest time for one file; a package of Core ML takes a few seconds."""
_MAX_ANSWER_BYTES = 256_000_000
ENVIRONMENT = {
    "CUDA_VISIBLE_DEVICES": "",
    "OPENBLAS_NUM_THREADS": "1",
    "ORT_DISABLE_TELEMETRY": "1",  # else onnxruntime 1.31 writes a file when it is imported, and has an address to report to
    "TF_CPP_MIN_LOG_LEVEL": "3",
    "TF_USE_LEGACY_KERAS": "1",
}


def inspect(
    path: Path,
    options: Asked | None = None,
    *,
    device: str | None = None,
    operators: bool = False,
    time_s: float = TIME_S,
) -> dict[str, Any]:
    """Inspect a file of any origin.

    Args:
        path: the file.
        options: wishes that overrule what its record or name says; None: those alone.
        device: profile whose accelerators are asked too.
        operators: list every operator.
        time_s: longest time.

    Returns:
        See `telling.record`; with a device, `coverage` too.

    Raises:
        InputError: it is refused, or its reading did not come to an end within the limits.
    """
    wishes = to_json(options) if options is not None else {}
    request = {"path": str(path), "options": wishes, "device": device, "operators": operators}
    with tempfile.TemporaryFile() as log:
        child = subprocess.Popen(
            [sys.executable, "-m", "edgetl.inspection.child"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            env={**os.environ, **ENVIRONMENT},
        )
        late = threading.Event()

        def end() -> None:
            late.set()
            child.kill()

        clock = threading.Timer(time_s, end)
        clock.start()
        try:
            assert child.stdin is not None and child.stdout is not None
            with child.stdin as to_child:
                to_child.write(json.dumps(request).encode())
            answer = child.stdout.read(_MAX_ANSWER_BYTES)
            child.stdout.close()
            code = child.wait()
        finally:
            clock.cancel()
            if child.poll() is None:
                child.kill()
                child.wait()
        if code == 0:
            value: dict[str, Any] = json.loads(answer)
            if "refused" in value:
                raise InputError(value["refused"])
            return value
        log.seek(0, os.SEEK_END)
        log.seek(max(0, log.tell() - 4000))
        tail = log.read().decode("utf-8", "replace")
    if late.is_set():
        raise InputError(f"{path.name}: was not read within {time_s:g} s; it is damaged, hostile or very large.")
    if code < 0:
        raise InputError(f"{path.name}: is damaged or hostile: its reading was ended by {_name(-code)}.")
    raise RuntimeError(f"inspecting {path.name} failed:\n{tail}")


def _name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
