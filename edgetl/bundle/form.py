"""Forms that values of a bundle's records have, in manifest.json and in contracts."""

from __future__ import annotations

from typing import Annotated

from edgetl.bundle.names import PATTERN
from edgetl.schema import Bound, Pattern

_STEERING = r"\x7f-\x9f\u2028-\u202e\u2066-\u2069"
"""Control characters behind ASCII's; other ends of lines; what turns the direction of text."""
Path_ = Annotated[str, Pattern(PATTERN, "a path inside the bundle")]
Digest = Annotated[str, Pattern("[0-9a-f]{64}", "64 hexadecimal digits")]
Text = Annotated[str, Pattern(rf"[^\x00-\x08\x0b-\x1f{_STEERING}]{{0,20000}}", "printable text of at most 20000 characters")]
Line = Annotated[str, Pattern(rf"[^\x00-\x1f{_STEERING}]{{1,512}}", "one line of at most 512 printable characters")]
Label = Annotated[str, Pattern(r"[^\x00-\x1f\x7f]{1,512}", "one line of at most 512 characters")]
"""Name of a class, as the data set has it."""
Size = Annotated[int, Bound(ge=0, le=2**53)]
Share = Annotated[float, Bound(ge=0.0, le=1.0)]
Change = Annotated[float, Bound(ge=-1.0, le=1.0)]
