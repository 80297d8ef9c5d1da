"""benchmark_model's profile of operators as CSV (`--op_profiling_output_mode=csv`): what each operator takes, no whole inference.

The sum of the operators is not the latency of an inference, so none is given: this is evidence about operators alone.
"""

from __future__ import annotations

import re

from edgetl.errors import InputError
from edgetl.logs._text import lines
from edgetl.logs._tflite import OF_RUNS, Profile, statistics_us
from edgetl.reading import Reading, checked

TITLE = "Profile of operators that benchmark_model writes as CSV; times of operators, not of an inference."
SOURCE = (
    "tensorflow/core/util/stats_calculator.cc and tensorflow/lite/profiling/profile_summary_formatter.cc "
    "of TensorFlow 2.4 to 2.19"
)

_HEADER = r"(?i)node type, (?:start, )?first, avg[_ ]ms, "
_TIMINGS = "Timings (microseconds): "


def recognises(head: str, name: str) -> bool:
    """See `LogModule.recognises`."""
    return any(re.match(_HEADER, line) for line in head.splitlines()) and "nference timings in us:" not in head


def read(text: str, where: str) -> tuple[Reading, ...]:
    """See `LogModule.read`."""
    profile, runs = Profile(), None
    for count, line in lines(text, where):
        place = f"{where}:{count}"
        if line == OF_RUNS and profile.state != "before":
            raise InputError(f"{place}: a second profile begins. Give the profile of one run alone.")
        if not profile.take(line, place) and profile.state == "after" and runs is None and line.startswith(_TIMINGS):
            runs = statistics_us(line.removeprefix(_TIMINGS), place)[0]
    if runs is None or not profile.operators:
        raise InputError(
            f"{where}: is not whole: expected a table 'Run Order' and after it '{_TIMINGS}count=…'. Take the profile again."
        )
    note = "profile of operators; states no latency of a whole inference"
    return (checked(Reading(count=runs, runtime="tflite", operators=tuple(profile.operators), notes=(note,)), where),)
