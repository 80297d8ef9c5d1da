"""What a new version of an index means to clients that are there already: for its publisher, who cannot see them."""

from __future__ import annotations

from collections.abc import Iterator

from edgetl.channel.index import WHOLE, Index, Release


def told(before: tuple[Release, ...], made: Index) -> list[str]:
    """Say what is easily taken for something else.

    Args:
        before: releases of the version before.
        made: the new version.

    Returns:
        Sentences; none where all is as it seems.
    """
    return list(_told(before, made)) if made.releases else []


def _told(before: tuple[Release, ...], made: Index) -> Iterator[str]:
    top, old = made.releases[0], before[0] if before else None
    if old is None:
        return
    if made.action == "rollout" and top.rollout < old.rollout:
        yield f"Narrowed from {percent(old.rollout)} to {percent(top.rollout)}: {_back(top, made.releases[1:])}"
        if made.releases[1:]:
            yield f"To take release {top.number} back from all clients: `edgetl channel rollback`."
    if made.action == "rollback":
        yield f"Release {old.number} is taken back: {_back(old, made.releases)}"
    again = next((release for release in before if release.sha256 == top.sha256), None)
    if made.action == "publish" and again is not None:
        yield (
            f"The bundle is that of release {again.number}. As release {top.number} it is drawn anew who is among the first "
            f"{percent(top.rollout)}."
            if top.rollout < WHOLE
            else f"The bundle is that of release {again.number}; clients that have it fetch nothing."
        )


def _back(gone: Release, others: tuple[Release, ...]) -> str:
    if not others:
        return (
            f"clients that have release {gone.number} keep it, for there is none to go back to. To replace it, publish another."
        )
    numbers = " or ".join(str(release.number) for release in others[:4])
    return (
        f"clients that it no longer admits go back to release {numbers} when they look next; those that no other release admits "
        f"keep release {gone.number}."
    )


def percent(share: int) -> str:
    """Ten-thousandths for people."""
    return f"{100 * share / WHOLE:g}%"
