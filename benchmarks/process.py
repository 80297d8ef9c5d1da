"""Run one function in a fresh process and tell how long it took and how much memory it needed.

The child is `python -m benchmarks.process JOB.json`: it reads the function's name and arguments and
writes its answer beside them.
"""

from __future__ import annotations

import importlib
import json
import os
import re
import resource
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ENVIRONMENT = {
    "CUDA_VISIBLE_DEVICES": "",
    "PYTHONHASHSEED": "0",  # tf2onnx names its nodes in the order of a set
    "TF_CPP_MIN_LOG_LEVEL": "3",
    "TF_ENABLE_ONEDNN_OPTS": "0",  # as edgetl's own steps, so that both are the same TensorFlow
    "TF_USE_LEGACY_KERAS": "1",
}
_ROOT = Path(__file__).resolve().parents[1]
_COMPLAINT = re.compile(r"[A-Za-z_][\w.]*(Error|Exception|Interrupt|Exit|Fail|NotImplemented|InvalidGraph|InvalidArgument)\b.*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came of a child process."""

    answer: dict[str, Any] | None
    """What the function returned; None when it failed."""
    why: str | None
    """The failure in one line; None when there is an answer."""
    wall_s: float
    """Of the whole process, imports included."""
    peak_mib: float | None
    """Largest resident memory of the process; None when it failed."""


def run(function: str, arguments: dict[str, Any], folder: Path, environment: Mapping[str, str] = ENVIRONMENT) -> Outcome:
    """Call a function in a fresh process.

    Args:
        function: `module:name`; it takes the arguments by name and returns plain JSON.
        arguments: plain JSON.
        folder: where job, answer and log are put; created.
        environment: variables to set, beside those of this process.

    Returns:
        What came of it; a failure is an outcome, never an exception.
    """
    folder.mkdir(parents=True, exist_ok=True)
    job, answer, log = folder / "job.json", folder / "answer.json", folder / "log.txt"
    answer.unlink(missing_ok=True)
    job.write_text(json.dumps({"function": function, "arguments": arguments, "answer": str(answer)}), encoding="utf-8")
    path = os.pathsep.join(filter(None, (str(_ROOT), os.environ.get("PYTHONPATH"))))
    begun = time.perf_counter()
    with log.open("w", encoding="utf-8") as sink:
        code = subprocess.run(
            [sys.executable, "-m", "benchmarks.process", str(job)],
            stdin=subprocess.DEVNULL,
            stdout=sink,
            stderr=sink,
            env={**os.environ, **environment, "PYTHONPATH": path},
        ).returncode
    wall_s = time.perf_counter() - begun
    if code == 0 and answer.exists():
        told = json.loads(answer.read_text(encoding="utf-8"))
        return Outcome(answer=told["result"], why=None, wall_s=wall_s, peak_mib=told["peak_mib"])
    return Outcome(answer=None, why=_reason(log, code), wall_s=wall_s, peak_mib=None)


def _reason(log: Path, code: int) -> str:
    """The last line of a log that names an exception; else how the process ended."""
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    told = next((line for line in reversed(lines) if _COMPLAINT.match(line)), None)
    return told or (f"killed by signal {-code}" if code < 0 else f"ended with code {code}")


def main(path: str) -> None:
    """Be the child: run the job and write the answer.

    Args:
        path: the job file.
    """
    job = json.loads(Path(path).read_text(encoding="utf-8"))
    module, _, name = job["function"].partition(":")
    result = getattr(importlib.import_module(module), name)(**job["arguments"])
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # bytes on macOS, KiB elsewhere (getrusage(2))
    told = {"result": result, "peak_mib": peak / (2**20 if sys.platform == "darwin" else 2**10)}
    Path(job["answer"]).write_text(json.dumps(told), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1])
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)  # the engines' own threads may hang in an ordinary exit
