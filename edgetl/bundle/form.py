"""Forms that values of a bundle's records have, in manifest.json and in contracts."""

from __future__ import annotations

from typing import Annotated

from edgetl.bundle.names import PATTERN
from edgetl.schema import Bound, Pattern

Path_ = Annotated[str, Pattern(PATTERN, "a path inside the bundle")]
Digest = Annotated[str, Pattern("[0-9a-f]{64}", "64 hexadecimal digits")]
Text = Annotated[str, Pattern(r"[^\x00-\x08\x0b-\x1f\x7f\x80-\x9f\u2028-\u202e\u2066-\u2069]{0,20000}", "printable text of at most 20000 characters")]
Line = Annotated[str, Pattern(r"[^\x00-\x1f\x7f\x80-\x9f\u2028-\u202e\u2066-\u2069]{1,512}", "one line of at most 512 printable characters")]
Size = Annotated[int, Bound(ge=0, le=2**53)]
Share = Annotated[float, Bound(ge=0.0, le=1.0)]
Change = Annotated[float, Bound(ge=-1.0, le=1.0)]
