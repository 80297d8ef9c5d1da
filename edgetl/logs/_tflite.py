"""What benchmark_model's text and CSV share: the line of statistics and the table of operators.

Source: tensorflow/core/util/stats_calculator.{h,cc} (TensorFlow 2.4 to 2.19), whose output both are.
"""

from __future__ import annotations

import re
from typing import Literal

from edgetl.errors import InputError
from edgetl.logs._text import number
from edgetl.reading import OperatorTime, Statistics

OF_INITIALIZATION = "Profiling Info for Benchmark Initialization:"
OF_RUNS = "Operator-wise Profiling Info for Regular Benchmark Runs:"
NUMBER = r"(-?[0-9][0-9.]*(?:e[-+]?[0-9]+)?)"
_SOME = (
    f"count=([0-9]+) first={NUMBER} curr={NUMBER} min={NUMBER} max={NUMBER} avg={NUMBER} std={NUMBER}"
    f"(?: p5={NUMBER} median={NUMBER} p95={NUMBER})?"
)
_SAME = rf"count=([0-9]+) curr={NUMBER}(?: ?\(all same\))?"
_RUN_ORDER = "=+ Run Order =+"
_LONGEST = 4096
"""Characters of a table's row; the longest name that a converter writes is a tenth of it."""
_COLUMNS = ("node type", "start", "first", "avg ms", "%", "cdf%", "mem KB", "times called", "name")
"""`start` is missing in files from TensorFlow 2.9 on."""
_CELLS = r"([0-9.]+)\s+([0-9.]+)\s+[^\s%]+%\s+[^\s%]+%\s+[-0-9.]+\s+([0-9]+)(?:\s+(\S.*))?"
_ROW = {start: (r"\s*(\S(?:.*?\S)?)\s+" + (r"[-0-9.]+\s+" if start else "") + _CELLS) for start in (False, True)}


def statistics_us(line: str, place: str) -> tuple[int, float, Statistics]:
    """Read a line that begins with `count=`.

    Args:
        line: the line; its times are in microseconds.
        place: file and line, for the message.

    Returns:
        Number of runs, the first run's time in ms, and the statistics in ms.

    Raises:
        InputError: the line is damaged, or there were no runs.
    """
    some, same = re.fullmatch(_SOME, line), re.fullmatch(_SAME, line)
    if some:
        count, *figures = some.groups()
        first, _, least, most, mean, sd, *quantiles = (number(f, place) / 1000 for f in figures if f is not None)
        p5, p50, p95 = quantiles or (None, None, None)
        found = Statistics(min=least, p5=p5, p50=p50, p95=p95, max=most, mean=mean, sd=sd)
    elif same:
        count = same[1]
        first = number(same[2], place) / 1000
        found = Statistics(min=first, p50=first, max=first, mean=first)
    else:
        raise InputError(
            f"{place}: expected 'count=… first=… curr=… min=… max=… avg=… std=…', found {line[:80]!r}. Take the log again."
        )
    if int(count[:18]) < 1:
        raise InputError(f"{place}: says that nothing was run (count=0). Take the log without --dry_run.")
    return int(count[:18]), first, found


class Profile:
    """The table `Run Order` of the regular runs, gathered line by line; those of the initialization and of delegates are left."""

    def __init__(self) -> None:
        """Begin with nothing read."""
        self.operators: list[OperatorTime] = []
        self.state: Literal["before", "header", "rows", "after"] = "before"
        self._regular, self._text, self._start = True, True, False

    @property
    def broken_off(self) -> bool:
        """Whether the log ended inside the table."""
        return self.state in ("header", "rows")

    def take(self, line: str, place: str) -> bool:
        """Read a line, if it belongs to the table.

        Args:
            line: of the log.
            place: file and line, for the message.

        Returns:
            Whether it did.

        Raises:
            InputError: it stands in the table and is no row of it.
        """
        if self.state == "header":
            self._header(line, place)
            self.state = "rows"
        elif self.state == "rows" and not line.strip():
            self.state = "after"
        elif self.state == "rows":
            self.operators.append(self._row(line, place))
        elif line in (OF_INITIALIZATION, OF_RUNS):
            self._regular = line == OF_RUNS
        elif self.state == "before" and self._regular and re.fullmatch(_RUN_ORDER, line):
            self.state = "header"
        else:
            return False
        return True

    def _header(self, line: str, place: str) -> None:
        self._text = line.lstrip().startswith("[")
        cells = re.findall(r"\[([^\]]*)\]", line) if self._text else line.split(",")
        names = [cell.strip().lower().replace("_", " ") for cell in cells]
        self._start = "start" in names
        if names != [name.lower() for name in _COLUMNS if self._start or name != "start"]:
            raise InputError(f"{place}: expected the columns {', '.join(_COLUMNS)}, found {line.strip()[:80]!r}.")

    def _row(self, line: str, place: str) -> OperatorTime:
        fields = (_in_text if self._text else _in_csv)(line, self._start)
        if fields is None:
            raise InputError(
                f"{place}: expected a row of the table of operators, found {line.strip()[:80]!r}. Take the log again."
            )
        kind, first, mean, times, name = fields
        return OperatorTime(
            name=(name or kind).strip(),
            type=kind.strip(),
            first_ms=number(first, place),
            mean_ms=number(mean, place),
            times_called=int(number(times, place)),
        )


def _in_text(line: str, start: bool) -> tuple[str, ...] | None:
    found = re.fullmatch(_ROW[start], line) if len(line) <= _LONGEST else None
    return None if found is None else tuple(group or "" for group in found.groups())


def _in_csv(line: str, start: bool) -> tuple[str, ...] | None:
    """Cells of a row; the type may hold commas, in the name they are tabs."""
    cells = line.rsplit(",", 8 if start else 7)
    if len(cells) != (9 if start else 8):
        return None
    kind, *_, first, mean, _, _, _, times, name = (cell.strip() for cell in cells)
    return kind, first, mean, times, name.replace("\t", ",")
