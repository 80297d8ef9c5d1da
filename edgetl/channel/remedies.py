"""What a publisher does about what clients refuse: nothing of it helps a client, so clients do not say it."""

from __future__ import annotations

from edgetl.channel import keys
from edgetl.channel.keys import Trust
from edgetl.channel.paths import newest_path
from edgetl.errors import ChannelRefused

STRANGE = "No publisher wrote that: see who else can write here. Put back what lay there, or remove it if it is the newest."
_DAMAGED = ("malformed", "bad-signature", "key-unknown", "other-channel", "other-history", "too-large")


def wrong_start(refused: ChannelRefused, trust: Trust) -> bool:
    """Whether it is the first list that is refused, so that trust may begin from another key; a later list is to blame itself."""
    return refused.code == "key-unknown" and str(refused).startswith(f"{keys.path(trust.version + 1)}:")


def remedy(refused: ChannelRefused, channel: str, trust: Trust) -> str:
    """Sentences for who looks at a channel; empty where there is nothing to do.

    Args:
        refused: on the way to the newest index.
        channel: its name.
        trust: what was given to begin with.
    """
    where, renew = str(refused), f"`edgetl channel renew --channel {channel}`"
    if refused.code == "expired":
        return f"With its key: {renew}."
    if wrong_start(refused, trust):
        return f"Is --trust what these channels began with? If it is: {STRANGE}"
    if refused.code not in _DAMAGED:
        return ""
    if where.startswith(f"{newest_path(channel)}:"):
        withdrawn = " (publish --anew, if its key was withdrawn)" if refused.code == "key-unknown" else ""
        return f"It is a copy only: {renew} makes it anew{withdrawn}. See who else can write here."
    return STRANGE if where.startswith((keys.path(1).split("/")[0] + "/", f"{channel}/")) else ""
