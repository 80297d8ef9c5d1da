"""The child process that runs one step, or one function: `python -m edgetl.worker JOB.json`.

It speaks JSON lines on what was its standard output (everything a library prints goes to standard error), and it ends at
once when its standard input closes, so that it never outlives the run that started it, not even after `kill -9`.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import traceback
from pathlib import Path
from typing import Any

from edgetl import errors
from edgetl.stages._base import Job
from edgetl.types import from_json


def main(path: str) -> int:
    """Run one job.

    Args:
        path: the job file, which `edgetl.isolation` wrote.

    Returns:
        0, or 1 when the step failed (the reason went out as an event).
    """
    channel = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what a library prints must not mix with events
    threading.Thread(target=_die_with_parent, daemon=True).start()

    def emit(event: dict[str, Any]) -> None:
        channel.write(json.dumps(event, ensure_ascii=False) + "\n")
        channel.flush()

    try:
        import importlib

        work = json.loads(Path(path).read_text(encoding="utf-8"))
        if "module" in work:
            result = importlib.import_module(work["module"]).run(work["arguments"], emit)
        else:
            job = from_json(Job, work)
            result = importlib.import_module(f"edgetl.stages.{job.stage}").run(job, emit)
    except errors.EdgetlError as error:
        emit({"failed": type(error).__name__, "exit_code": error.exit_code, "message": str(error)})
        return 1
    except Exception as error:  # noqa: BLE001 - the stage boundary: becomes a StageError in the parent
        traceback.print_exc()
        emit({"failed": "", "exit_code": 4, "message": f"{type(error).__name__}: {error}"})
        return 1
    emit({"result": result})
    return 0


def _die_with_parent() -> None:
    """Wait for the end of standard input, then end this process without further ado."""
    while os.read(0, 1024):
        pass
    os._exit(3)


if __name__ == "__main__":
    code = main(sys.argv[1])
    sys.stderr.flush()
    os._exit(code)  # the engines' own threads may hang in an ordinary exit
