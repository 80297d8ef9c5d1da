"""The clients in Kotlin and Swift: what can be said of them without their compilers."""

import re
from pathlib import Path

from edgetl.channel import latest

FOLDER = Path(__file__).resolve().parents[2] / "edgetl/apps/templates/_update"
CHANNEL = Path(latest.__file__).parent
CODE = r'(?:ChannelRefused\((?:code: )?|refuse\(|\? |: )"([a-z]+(?:-[a-z]+)?)"'
ALL = {
    "malformed", "key-unknown", "bad-signature", "other-channel", "other-history", "older-index", "keys-withheld", "expired",
    "missing", "unreachable", "too-large", "truncated", "bundle-differs", "platform",
}  # fmt: skip
"""README, "Update channel"."""


def test_the_three_clients_refuse_by_the_same_words():
    for folder, pattern in ((CHANNEL, "*.py"), (FOLDER, "*.kt"), (FOLDER, "*.swift")):
        text = "".join(path.read_text() for path in sorted(folder.glob(pattern)))
        assert set(re.findall(CODE, text)) >= ALL, pattern
    readme = (FOLDER.parents[3] / "README.md").read_text()
    assert all(f"`{code}`" in readme for code in ALL | {"refused", "withdrawn"})
