"""Shows a run on standard error: one line a finished step, and a live line for each running one."""

from __future__ import annotations

import sys
import threading
from types import TracebackType
from typing import Any

from edgetl.errors import EdgetlError
from edgetl.store import Step


class Progress:
    """A `Watcher` (edgetl.pipeline) for a person; plain lines where standard error is not a terminal."""

    def __init__(self) -> None:
        """Make it; nothing is shown before the first step."""
        self._lock = threading.Lock()
        self._live: Any = None
        self._bars: dict[str, Any] = {}
        self._kept = 0

    def __enter__(self) -> Progress:
        """Start the live display, on a terminal."""
        if sys.stderr.isatty():
            from rich.console import Console
            from rich.progress import BarColumn, SpinnerColumn, TextColumn, TimeElapsedColumn
            from rich.progress import Progress as RichProgress

            columns = (
                SpinnerColumn(),
                TextColumn("{task.description}"),
                BarColumn(20),
                TextColumn("{task.fields[what]}"),
            )
            self._live = RichProgress(*columns, TimeElapsedColumn(), console=Console(stderr=True), transient=True)
            self._live.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Stop the live display and say how many steps were kept."""
        if self._live is not None:
            self._live.stop()
        if self._kept:
            print(f"  {self._kept} steps kept from an earlier run", file=sys.stderr)

    def kept(self, step: Step) -> None:
        """Count it."""
        with self._lock:
            self._kept += 1

    def note(self, text: str) -> None:
        """Say something that belongs to no step."""
        with self._lock:
            if self._live is not None:
                self._live.console.print(f"  {text}", highlight=False, markup=False, soft_wrap=True)
            else:
                print(f"  {text}", file=sys.stderr, flush=True)

    def started(self, step: Step, reasons: tuple[str, ...]) -> None:
        """Show the step as running."""
        with self._lock:
            if self._live is not None:
                self._bars[step.label] = self._live.add_task(step.label, total=None, what="starting")
            else:
                why = f" ({'; '.join(reasons)})" if reasons else ""
                print(f"  … {step.label}{why}", file=sys.stderr, flush=True)

    def event(self, step: Step, event: dict[str, Any]) -> None:
        """Show how far the step is."""
        with self._lock:
            if self._live is not None and step.label in self._bars:
                self._live.update(
                    self._bars[step.label],
                    completed=event.get("done"),
                    total=event.get("of"),
                    what=event.get("what", ""),
                )

    def finished(self, step: Step, seconds: float, result: dict[str, Any]) -> None:
        """Turn the live line into a finished one."""
        self._end(step, f"  ✓ {step.label} {seconds:.1f} s{_gist(result)}")

    def failed(self, step: Step, error: EdgetlError) -> None:
        """Say that the step failed; the error itself is told at the end."""
        self._end(step, f"  ✗ {step.label} failed")

    def _end(self, step: Step, line: str) -> None:
        with self._lock:
            if self._live is not None:
                self._live.remove_task(self._bars.pop(step.label))
                self._live.console.print(line, highlight=False, markup=False, soft_wrap=True)
            else:
                print(line, file=sys.stderr, flush=True)


class Bar:
    """One bar for a job that says how far it is; a line for each new part of it where standard error is not a terminal."""

    def __init__(self) -> None:
        """Make it; nothing is shown before it is told something."""
        self._live: Any = None
        self._task: Any = None
        self._last = ""

    def __enter__(self) -> Bar:
        """Start the live display, on a terminal; drawn twice a second, so that it takes nothing from what is timed."""
        if sys.stderr.isatty():
            from rich.console import Console
            from rich.progress import BarColumn, TextColumn, TimeElapsedColumn
            from rich.progress import Progress as RichProgress

            columns = (BarColumn(20), TextColumn("{task.description}"), TimeElapsedColumn())
            self._live = RichProgress(*columns, console=Console(stderr=True), transient=True, refresh_per_second=2)
            self._task = self._live.add_task("starting", total=1.0)
            self._live.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Stop the live display."""
        if self._live is not None:
            self._live.stop()

    def told(self, share: float, what: str) -> None:
        """Show it.

        Args:
            share: how much is done, 0 to 1.
            what: what runs now.
        """
        if self._live is not None:
            self._live.update(self._task, completed=share, description=what)
        elif what != self._last:
            print(f"  … {what}", file=sys.stderr, flush=True)
        self._last = what


def _gist(result: dict[str, Any]) -> str:
    """The one figure of a step that people wait for."""
    if isinstance(result.get("top1"), float):
        return f", top-1 {result['top1']:.3f}"
    if "size_bytes" in result:
        return f", {result['size_bytes'] / 1e6:.2f} MB"
    return ""
