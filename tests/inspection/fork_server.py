"""Inspects the file of each line of standard input in a forked child with `edgetl inspect`'s limits; one JSON line for each.

A fork costs a hundredth of a new interpreter, so that a thousand damaged copies are looked at in minutes.
"""

import contextlib
import json
import os
import select
import signal
import sys
import time
from pathlib import Path

WALL_S = 60


def _preload():
    import google.protobuf.message  # noqa: F401
    import h5py  # noqa: F401
    import onnx  # noqa: F401
    import onnxruntime  # noqa: F401
    from ai_edge_litert import schema_py_generated  # noqa: F401

    from edgetl.inspection import child, keras, rules, telling, tflite  # noqa: F401
    from edgetl.inspection import onnx as onnx_reader  # noqa: F401
    from edgetl.nn.saved import keras_file  # noqa: F401


def _inspect(path, into):
    from edgetl.inspection import SUFFIXES, child

    child.limit(SUFFIXES[Path(path).suffix])
    told = child.answer({"path": path})
    text = {"refused": told["refused"]} if "refused" in told else {"errors": sum(f["level"] == "error" for f in told["findings"])}
    os.write(into, json.dumps(text).encode()[:60_000])


def _one(path):
    reading, writing = os.pipe()
    begun = time.monotonic()
    number = os.fork()
    if number == 0:
        code = 1
        with contextlib.suppress(BaseException):
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
            os.dup2(1, 2)
            _inspect(path, writing)
            code = 0
        os._exit(code)
    os.close(writing)
    data, late = b"", False
    while True:
        ready, _, _ = select.select([reading], [], [], max(0, begun + WALL_S - time.monotonic()))
        if not ready:
            late = True
            os.kill(number, signal.SIGKILL)
            break
        part = os.read(reading, 65536)
        if not part:
            break
        data += part
    os.close(reading)
    _, status = os.waitpid(number, 0)
    return {"code": os.waitstatus_to_exitcode(status), "late": late, "s": time.monotonic() - begun, "told": data.decode()}


if __name__ == "__main__":
    _preload()
    for line in sys.stdin:
        print(json.dumps(_one(line.rstrip("\n"))), flush=True)
