"""Which artifacts of a bundle a channel serves, and to whom: as its publisher says, as its ship set says, or nothing is guessed.

A client takes the first file that it can run. Of two files of one format that are for everyone, the second would reach nobody.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgetl import shipset, verdicts
from edgetl.bundle import plain
from edgetl.devices import load_device
from edgetl.errors import InputError, did_you_mean

Served = tuple[tuple[str, tuple[str, ...]], ...]
"""Paths of artifacts in the order of preference, each with the devices it is for; none = all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """What is served."""

    files: Served
    why: str
    """One line for the publisher; empty where it is plain."""


def chosen(bundle: Path, manifest: Mapping[str, Any], wanted: Served) -> Choice:
    """Choose the artifacts of a bundle that are served.

    Args:
        bundle: its zip, that a ship set may lie beside.
        manifest: of it, checked.
        wanted: artifacts by their path or target (`tflite/fp32`), as the publisher says; empty = the ship set, or all.

    Returns:
        Each artifact once.

    Raises:
        InputError: there is no such artifact, one would reach nobody, or several of one format are there and none is named.
    """
    rows = {_target(row): row for row in manifest["artifacts"]}
    paths = {str(row["path"]): row for row in manifest["artifacts"]}
    if wanted:
        known = rows | paths
        if unknown := [name for name, _ in wanted if name not in known]:
            faults = [f"no artifact {name!r}. {did_you_mean(name, [*known])}" for name in unknown]
            raise InputError(f"{bundle}: does not hold what is to be served.", faults)
        files = tuple((str(known[name]["path"]), devices) for name, devices in wanted)
        if idle := list(_idle([(str(known[name]["format"]), name, devices) for name, devices in wanted])):
            raise InputError(f"{bundle}: an artifact would reach nobody.", idle)
        return Choice(files=files, why="")
    file = bundle.with_name(shipset.FILE)
    if file.is_file():
        return _of_ship_set(file, bundle, rows)
    if len({row["format"] for row in rows.values()}) < len(rows):
        raise InputError(*_which(bundle, list(rows.values()), manifest["verdicts"]))
    return Choice(files=tuple((path, ()) for path in paths), why="")


def _target(row: Mapping[str, Any]) -> str:
    return f"{row['format']}/{row['scheme']}"


def _idle(files: Iterable[tuple[str, str, tuple[str, ...]]]) -> Iterable[str]:
    taken: dict[str, str] = {}
    for form, name, devices in files:
        if form in taken:
            yield f"{name}: {taken[form]} stands before it and takes all devices that run {form}; put it first, with =MODEL,…"
        elif not devices:
            taken[form] = name


def _of_ship_set(file: Path, bundle: Path, rows: Mapping[str, Mapping[str, Any]]) -> Choice:
    try:
        value = plain.read(file.read_bytes()[: plain.MAX_RECORD_BYTES])
        names = [str(artifact["name"]) for artifact in value["artifacts"]]
        same = {str(artifact["name"]): artifact["sha256"] for artifact in value["artifacts"]}
        given = [(str(served["device"]), str(served["given"]["artifact"])) for served in value["served"]]
        unserved = [str(row["device"]) for row in value["unserved"]]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{file}: is no ship set that can be read ({error}). Name what to serve: --artifact.") from error
    if not names or any(name not in rows or rows[name]["sha256"] != same[name] for name in names):
        raise InputError(
            f"{file}: is of other files than {bundle.name}. Run `edgetl ship RUN --devices …` again, or name what to serve: "
            "--artifact."
        )
    by_format: dict[str, list[str]] = {}
    for name in names:
        by_format.setdefault(str(rows[name]["format"]), []).append(name)
    several = [name for fitting in by_format.values() for name in fitting if len(fitting) > 1]
    if several:
        told = [f"--artifact '{name}=MODEL,…' for {', '.join(d for d, a in given if a == name) or 'none'}" for name in several]
        raise InputError(
            f"{file}: gives devices different files of one format. Say which models these devices call themselves (Android: "
            "Build.MODEL; iOS: iPhone16,1), which edgetl's profiles do not know; the last of a format needs none:",
            told,
        )
    served = "; ".join(f"{name} for {', '.join(d for d, a in given if a == name)}" for name in names)
    left = f". Left unserved: {', '.join(unserved)}" if unserved else ""
    why = f"As {file} says: {served}{left}."
    if idle := [device for device, name in given if name in rows and _of_ios(device) and rows[name]["format"] == "tflite"]:
        why += (
            f" No app that edgetl writes for iOS runs tflite ({', '.join(idle)}): they take coreml (`ios`) or onnx "
            "(`ios_onnxruntime`). To serve these too, name all with --artifact."
        )
    return Choice(files=tuple((str(rows[name]["path"]), ()) for name in names), why=why)


def _of_ios(device: str) -> bool:
    try:
        return load_device(device).os.family == "ios"
    except InputError:
        return False  # a profile of their own, that is not here


def _which(bundle: Path, rows: Sequence[Mapping[str, Any]], judged: Sequence[Mapping[str, Any]]) -> tuple[str, list[str]]:
    """The question that a publisher is asked, with what is needed to answer it."""
    lines, best = [], dict[str, tuple[int, int, str]]()
    for row in rows:
        own = [v for v in judged if _target(v) == _target(row) and not (v["device"] and v["outcome"] == "skipped")]
        missed = [f"{v['gate']} of {v['device'] or 'all'} {v['outcome']}" for v in own if v["outcome"] != "pass"]
        outcome = verdicts.worst(v["outcome"] for v in own)
        delivered = int(row.get("delivered_bytes") or row["size_bytes"])
        top1 = (row.get("accuracy") or {}).get("top1")
        told = "no verdicts" if not own else f"all {len(own)} verdicts pass" if not missed else ", ".join(missed[:4])
        more = f" and {len(missed) - 4} more" if len(missed) > 4 else ""
        accuracy = "top-1 unknown" if top1 is None else f"top-1 {100 * top1:.2f}%"
        lines.append(f"{_target(row)}: {delivered / 1e6:.2f} MB delivered, {accuracy}, {told}{more}")
        place = (("pass", "unsure", "skipped", "fail").index(outcome), delivered, _target(row))
        best[str(row["format"])] = min(place, best.get(str(row["format"]), place))
    example = " ".join(f"--artifact {name}" for _, _, name in best.values())
    message = f"{bundle}: holds several files of one format, and which one clients get is not guessed. Name what to serve"
    return f"{message} (smallest with the best verdicts: {example}):", lines
