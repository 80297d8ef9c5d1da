"""What the accelerators of a recipe's devices take of its files, as the convert steps found it. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from edgetl import registry
from edgetl.devices import DeviceProfile

_SHOWN = 4


def of_devices(profiles: Sequence[DeviceProfile], answers: Mapping[str, dict[str, Any]]) -> list[dict[str, Any]]:
    """Say what each device's delegates take of each file.

    Args:
        profiles: the recipe's devices.
        answers: of its steps, by label; those of `convert` hold `coverage`.

    Returns:
        One row for each device, file and delegate: `device`, `format`, `scheme`, and what `covered.taken` gives.
    """
    found = []
    for profile in profiles:
        for label, answer in answers.items():
            if not label.startswith("convert ") or answer["format"] not in profile.format_names:
                continue
            for row in answer.get("coverage", ()):
                if registry.load("delegates", row["delegate"]).serves(profile):
                    found.append({"device": profile.name, "format": answer["format"], "scheme": answer["scheme"], **row})
    return found


def lines(rows: Sequence[dict[str, Any]]) -> list[str]:
    """Render the rows.

    Args:
        rows: see `of_devices`.

    Returns:
        Lines of Markdown; none where there is nothing to tell.
    """
    if not rows:
        return []
    told = ["", "## Accelerators", "", "What leaves them, by their rules; nothing here was timed.", ""]
    told += ["| device | artifact | delegate | work that stays | parts | leaves |", "|---|---|---|---:|---:|---|"]
    for row in rows:
        share = "–" if row["mac_share"] is None else f"{row['mac_share']:.1%}"
        leaves = ", ".join(f"{count} {kind}" for kind, count in list(row["leaving"].items())[:_SHOWN]) or "nothing"
        more = f" and {len(row['leaving']) - _SHOWN} more types" if len(row["leaving"]) > _SHOWN else ""
        cells = (row["device"], f"{row['format']}/{row['scheme']}", row["delegate"], share, str(row["partitions"]), leaves + more)
        told.append("| " + " | ".join(cells) + " |")
    return told
