"""The child of `edgetl.inspection.apart`: sets limits on itself, reads one file, prints one JSON object."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

MEMORY_BYTES = {"coreml": 16_000_000_000}
"""Address space by format; coremltools imports TensorFlow, which maps much and uses little."""
_MEMORY_BYTES = 6_000_000_000
CPU_S = 150
_SCRATCH_BYTES = 1_000_000_000
"""onnxruntime gives its optimised graph as a file, which lies in memory."""


def limit(form: str) -> None:
    """Limit this process for good.

    Args:
        form: format of the file that it will read.
    """
    try:
        import resource
    except ImportError:  # not a system with such limits; the parent's clock remains
        return
    wanted = {
        resource.RLIMIT_AS: MEMORY_BYTES.get(form, _MEMORY_BYTES),
        resource.RLIMIT_CPU: CPU_S,
        resource.RLIMIT_FSIZE: _SCRATCH_BYTES,
        resource.RLIMIT_CORE: 0,
    }
    for kind, most in wanted.items():
        _, hard = resource.getrlimit(kind)
        least = most if hard == resource.RLIM_INFINITY else min(most, hard)
        try:
            resource.setrlimit(kind, (least, hard))
        except (ValueError, OSError):
            continue  # macOS refuses a limit of the address space


def answer(request: dict[str, Any]) -> dict[str, Any]:
    """Inspect a file.

    Args:
        request: `path`, and as in `apart.inspect` `options`, `device`, `operators`.

    Returns:
        The record; or `refused`, a message for a person.
    """
    from dataclasses import replace

    from edgetl import inspection
    from edgetl.errors import EdgetlError
    from edgetl.inspection import claims, covered, rules, telling

    path = Path(request["path"])
    try:
        asked = claims.find(path) if path.exists() else inspection.Asked()
        wishes = {key: value for key, value in request.get("options", {}).items() if value}
        if wishes:
            wishes["keep_float"] = tuple(wishes.get("keep_float", ()))
            asked = replace(asked, **wishes)
        facts = _read(path)
        found = inspection.Inspection(name=path.name, facts=facts, asked=asked, findings=rules.judge(path.name, facts, asked))
        rows: list[dict[str, Any]] | None = None
        if request.get("device"):
            rows, more = covered.of_device(path, found, request["device"])
            found = replace(found, findings=rules.ordered((*found.findings, *more)))
    except EdgetlError as error:
        return {"refused": str(error)}
    told = telling.record(found, operators=bool(request.get("operators")))
    return told if rows is None else {**told, "device": request["device"], "coverage": rows}


def _read(path: Path) -> Any:
    from edgetl import inspection
    from edgetl.errors import EdgetlError, InputError

    try:
        return inspection.read(path)
    except EdgetlError:
        raise
    except MemoryError as error:
        what = "needs more memory to be read than it is given; it is damaged, hostile or very large"
        raise InputError(f"{path.name}: {what}.") from error
    except Exception as error:  # noqa: BLE001 - a damaged file raises whatever its parser has; it is refused for it
        what = " ".join(f"{type(error).__name__}: {error}".split())[:160]
        raise InputError(f"{path.name}: is damaged: {what}.") from error


def main() -> None:
    """Read the request, print the answer."""
    import os

    request = json.load(sys.stdin)
    from edgetl.inspection import SUFFIXES

    limit(SUFFIXES.get(Path(request["path"]).suffix, ""))
    out = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # a parser's talk must not stand in the answer
    json.dump(answer(request), out, ensure_ascii=False)
    out.flush()
    os._exit(0)


if __name__ == "__main__":
    main()
