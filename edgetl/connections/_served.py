"""A session whose other end is the runner: a child process that speaks lines of JSON, whatever carries them.

What comes back is not trusted: a line is bounded in length and time, must be JSON of the agreed form, and numbers must be such.
"""

from __future__ import annotations

import json
import os
import selectors
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgetl.connections import _runner
from edgetl.connections._child import LastWords, printable
from edgetl.errors import BenchmarkError, DeviceUnreachable

if TYPE_CHECKING:
    import numpy as np

RUNNER = Path(_runner.__file__)
PROFILER = RUNNER.with_name("_profiler.py")
"""What the runner loads where operators are to be profiled; `job["profiler"]` is its path there."""
MAX_LINE_BYTES = 64 * 2**20
"""Longest answer that is read: outputs of one image, or a million timings."""
GRACE_S = 30.0
"""What a command may take beyond the time it asks for."""
LOAD_S = 120.0
"""What starting the runtime and loading a model may take."""
MAX_FACTS_BYTES = 2**17
"""All that a device may say of itself and of a load."""
MAX_TEXT = 200
"""Longest name of an engine, a processor or a system that is believed."""
_NUMBERS = ("float32", "float16", "float64", "uint8", "int8", "int16", "uint16", "int32", "uint32", "int64", "uint64", "bool")


def checked_probe(found: dict[str, Any], name: str) -> dict[str, Any]:
    """Check what `_depot`'s probe answered, and keep what is known of it.

    Args:
        found: the answer.
        name: of the device, for messages.

    Returns:
        See `ConnectionModule.probe`.

    Raises:
        DeviceUnreachable: it is not of the agreed form.
    """
    runtimes = found.get("runtimes")
    if not isinstance(runtimes, dict) or not set(runtimes) <= {"litert", "onnxruntime", "coreml"}:
        raise DeviceUnreachable(f"{name}: answered {printable(runtimes, 120)!r} where versions of runtimes were due.")
    texts = {key: printable(found.get(key, "unknown"), 40) for key in ("python", "system", "machine")}
    versions = {key: None if value is None else printable(value, 40) for key, value in runtimes.items()}
    free = found.get("free_bytes")
    return {**texts, "free_bytes": free if type(free) is int and 0 <= free < 2**63 else None, "runtimes": versions}


class ServedSession:
    """See `edgetl.connections._base.Session`; the process runs the runner."""

    def __init__(
        self,
        argv: Sequence[str],
        job: dict[str, Any],
        *,
        name: str,
        put_array: Callable[[Path], str] = str,
        load_s: float = LOAD_S,
        env: dict[str, str] | None = None,
        grace_s: float = GRACE_S,
        advice: str = "",
    ) -> None:
        """Start the process and wait until the model is loaded.

        Args:
            argv: starts the runner, here or through something that reaches the device.
            job: see `_runner`.
            name: device and artifact, for messages.
            put_array: makes a .npy file of this host readable there and returns its path there.
            load_s: longest time until the model is loaded, in seconds.
            env: environment of the process; None = this one's.
            grace_s: what a command may take beyond the time it asks for, in seconds.
            advice: how the device was reached and what to check, told when it is gone; ends with a full stop.

        Raises:
            BenchmarkError: the runner says that it cannot load the model.
            DeviceUnreachable: nothing, or nonsense, comes back.
        """
        self._name, self._put_array, self._grace_s = name, put_array, grace_s
        self._advice = f" {advice}" if advice else ""
        self._process = subprocess.Popen(
            argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True, env=env
        )
        assert self._process.stderr is not None
        self._said = LastWords(self._process.stderr)
        self._buffer = b""
        try:
            self.facts: dict[str, Any] = {**self._ask(job, load_s), "values_are": "inference"}
            self._check_facts()
        except BaseException:
            self.close()
            raise

    def time(self, count: int, seconds: float) -> tuple[float, ...]:
        """See `Session.time`."""
        slowest_s = self.facts["first_inference_ms"] / 1e3
        answer = self._ask({"do": "time", "count": count, "seconds": seconds}, seconds + 10 * slowest_s + self._grace_s)
        values: Any = answer.get("values_ns")
        if (
            not isinstance(values, list)
            or not 0 < len(values) <= count
            or not all(type(v) is int and 0 < v < 2**63 for v in values)
        ):
            raise self._nonsense("a list of times", answer)
        return tuple(value / 1e6 for value in values)

    def outputs(self, images: tuple[np.ndarray, ...]) -> tuple[tuple[np.ndarray, ...], ...]:
        """See `Session.outputs`."""
        import base64
        import tempfile

        import numpy as np

        found = []
        with tempfile.TemporaryDirectory(prefix="edgetl-") as folder:
            path = Path(folder) / "images.npy"
            np.save(path, np.concatenate(images), allow_pickle=False)
            there = self._put_array(path)
            for index in range(len(images)):
                answer = self._ask({"do": "outputs", "inputs": [there], "first": index}, self._grace_s)
                try:
                    found.append(
                        tuple(
                            np.frombuffer(
                                base64.b64decode(o["base64"], validate=True), np.dtype(_NUMBERS[_NUMBERS.index(o["dtype"])])
                            ).reshape(o["shape"])
                            for o in answer["outputs"]
                        )
                    )
                except (KeyError, TypeError, ValueError, OverflowError) as error:
                    raise self._nonsense("outputs", answer) from error
        return tuple(found)

    def peak_memory_mib(self) -> float | None:
        """See `Session.peak_memory_mib`."""
        answer = self._ask({"do": "memory"}, self._grace_s)
        return self._number(answer, "peak_mib") - self._number(answer, "before_mib")

    def counters(self) -> dict[str, float | None]:
        """CPU time, involuntary context switches and time spent waiting for a core, since the process began.

        Returns:
            `cpu_s`, `involuntary`, `waited_s` (None where the system does not say).
        """
        answer = self._ask({"do": "counters"}, GRACE_S)
        waited = None if answer.get("waited_s") is None else self._number(answer, "waited_s")
        return {"cpu_s": self._number(answer, "cpu_s"), "involuntary": self._number(answer, "involuntary"), "waited_s": waited}

    def profile(self, count: int) -> tuple[dict[str, Any], ...]:
        """Time every operator of some inferences; for a session whose job names a profiler, once.

        Args:
            count: inferences, at least 1.

        Returns:
            In the order in which they ran: `name` and `type` in the runtime's own words, `us` (microseconds of each inference).
        """
        slowest_s = self.facts["first_inference_ms"] / 1e3
        operators: Any = self._ask({"do": "profile", "count": count}, 20 * count * slowest_s + GRACE_S).get("operators")
        found: tuple[dict[str, Any], ...]
        try:
            found = tuple({"name": str(o["name"]), "type": str(o["type"]), "us": [float(v) for v in o["us"]]} for o in operators)
        except (KeyError, TypeError, ValueError) as error:
            raise self._nonsense("operators with their times", operators) from error
        if not found or not all(operator["us"] and all(0 <= v < 1e12 for v in operator["us"]) for operator in found):
            raise self._nonsense("operators with their times", operators)
        return found

    def close(self) -> None:
        """See `Session.close`."""
        process = self._process
        if process.poll() is None:
            try:
                assert process.stdin is not None
                process.stdin.write(b'{"do": "close"}\n')
                process.stdin.close()
                process.wait(timeout=5)
            except (OSError, ValueError, subprocess.TimeoutExpired):
                self._kill()
        for stream in (process.stdin, process.stdout):
            try:
                if stream is not None:
                    stream.close()
            except OSError:
                continue

    def _ask(self, message: dict[str, Any], seconds: float) -> dict[str, Any]:
        try:
            assert self._process.stdin is not None
            self._process.stdin.write(json.dumps(message).encode() + b"\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            seconds = min(seconds, GRACE_S)  # it ended; what it said before, if anything, tells why
        except (OSError, ValueError) as error:
            raise self._gone() from error
        line = self._line(seconds)
        try:
            answer = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise self._nonsense("a line of JSON", line[:80]) from error
        if not isinstance(answer, dict):
            raise self._nonsense("an object", answer)
        if "error" in answer:
            raise BenchmarkError(f"{self._name}: {printable(answer['error'], 2000)}")
        return answer

    def _line(self, seconds: float) -> bytes:
        """Read up to the end of a line, at most `MAX_LINE_BYTES` and `seconds`."""
        stream = self._process.stdout
        assert stream is not None
        end = time.monotonic() + seconds
        with selectors.DefaultSelector() as selector:
            selector.register(stream, selectors.EVENT_READ)
            while b"\n" not in self._buffer:
                left = end - time.monotonic()
                if left <= 0 or not selector.select(left):
                    self._kill()
                    raise DeviceUnreachable(
                        f"{self._name}: no answer for {seconds:.0f} s; the process there was ended. "
                        f"Check that the device is awake, not busy, and still connected.{self._advice}"
                    )
                piece = os.read(stream.fileno(), 2**16)
                if not piece:
                    raise self._gone()
                self._buffer += piece
                if len(self._buffer) > MAX_LINE_BYTES:
                    self._kill()
                    raise self._nonsense(f"at most {MAX_LINE_BYTES} bytes a line", len(self._buffer))
        line, _, self._buffer = self._buffer.partition(b"\n")
        return line

    def _check_facts(self) -> None:
        if (size := len(json.dumps(self.facts))) > MAX_FACTS_BYTES:
            raise self._nonsense(f"at most {MAX_FACTS_BYTES} bytes of facts", size)
        for key in ("load_ms", "first_inference_ms"):
            self._number(self.facts, key)
        for key in ("engine", "cpu", "system"):
            value = self.facts.get(key)
            if not isinstance(value, str) or value != printable(value, MAX_TEXT):
                raise self._nonsense(f"a text {key!r}", value)
        if self.facts.get("protocol") != _runner.PROTOCOL:
            raise self._nonsense(f"protocol {_runner.PROTOCOL}", self.facts.get("protocol"))

    def _number(self, answer: dict[str, Any], key: str) -> float:
        value = answer.get(key)
        if not isinstance(value, int | float) or isinstance(value, bool) or not 0 <= value < 2**63:
            raise self._nonsense(f"a number {key!r}", value)
        return float(value)

    def _nonsense(self, wanted: str, got: Any) -> DeviceUnreachable:
        said = repr(printable(got, 120))
        return DeviceUnreachable(f"{self._name}: answered {said} where {wanted} was due.{self._advice}{self._said.text()}")

    def _gone(self) -> DeviceUnreachable:
        try:
            code: int | None = self._process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            code = None
        ended = f"the process there ended{f' with {code}' if code else ''}."
        return DeviceUnreachable(f"{self._name}: {ended}{self._advice}{self._said.text()}")

    def _kill(self) -> None:
        try:
            os.killpg(self._process.pid, signal.SIGKILL)
        except ProcessLookupError:
            return
        self._process.wait()
