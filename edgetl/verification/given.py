"""What `edgetl verify FILE` is given: files, witnesses and what they are held against, checked together before anything runs."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgetl import origins, registry, verdicts
from edgetl.errors import InputError
from edgetl.inspection import claims
from edgetl.origins import Origin
from edgetl.recipefile import LoadedRecipe, load_recipe
from edgetl.stages.verify import runtime_for
from edgetl.types import Preprocess
from edgetl.verification import witnesses
from edgetl.verification.witnesses import Witness

NETWORK = "network.pb"
"""A checkpoint's frozen network (`edgetl.nn.frozen`, which imports TensorFlow)."""
USUAL_DROP = verdicts.IDENTITY_RESOLUTION
"""Largest top-1 drop where neither the run nor the command line says one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What is to be verified, and how."""

    files: tuple[Path, ...]
    data: Path | None = None
    """Folder of photos; None = the test split that the run kept."""
    witnesses: tuple[str, ...] = ()
    """See `witnesses.choose`."""
    recipe: str | None = None
    """Says how photos are prepared where nothing beside the files does."""
    against: Path | None = None
    """Folder of a checkpoint, frozen network (.pb) or converted file; None = the checkpoint of the files' run."""
    limit: int | None = None
    """Most images."""
    max_top1_drop: float | None = None
    """None = what the recipe or the run allowed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """One converted file."""

    path: Path
    format: str
    runtime: str
    """What runs it here."""
    origin: Origin | None
    """None where nothing is written down of it."""
    witnesses: tuple[Witness, ...]
    limits: dict[str, float | None]
    """Of `verdicts.GATES`."""

    @property
    def scheme(self) -> str:
        """As its run wrote down, else as its name claims; "–" where neither says."""
        return self.origin.scheme if self.origin is not None else claims.of_name(self.path.stem).scheme or "–"


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """All of it, checked."""

    files: tuple[File, ...]
    against: Path
    """File: a frozen network or a converted file."""
    against_runtime: str | None
    """What runs it here; None for a network."""
    recipe: LoadedRecipe | None
    """Given, or the files' own where it can still be read."""
    why_no_recipe: str
    """Why `recipe` is None."""
    preprocess: Preprocess
    class_names: tuple[str, ...]
    several: bool
    """An image may have several labels."""
    warnings: tuple[str, ...]


def read(asked: Asked) -> Given:
    """Check what is given.

    Args:
        asked: it.

    Returns:
        Files with their origins, runtimes, witnesses and limits, which all are of one network.

    Raises:
        InputError: something does not fit; all faults at once.
    """
    loaded = load_recipe(asked.recipe) if asked.recipe is not None else None
    faults: list[str] = []
    files = [file for path in asked.files if (file := _file(path, asked, loaded, faults)) is not None]
    faults += witnesses.useless(asked.witnesses, [f.format for f in files], [f.runtime for f in files])
    if len(set(asked.files)) < len(asked.files):
        faults.append("one file is given twice.")
    if faults:
        raise InputError("verify: this cannot be done.", list(dict.fromkeys(faults)))
    preprocess, class_names, several = _network(files, loaded)
    against = _against(asked, files)
    runtime = None if against.suffix == ".pb" else _runtime(against, faults)[1]
    if faults:
        raise InputError("verify: this cannot be done.", [f"--against {fault}" for fault in faults])
    own, why = (loaded, "") if loaded is not None else _own_recipe(files)
    return Given(
        files=tuple(files),
        against=against,
        against_runtime=runtime,
        recipe=own,
        why_no_recipe=why,
        preprocess=preprocess,
        class_names=class_names,
        several=several,
        warnings=tuple(_warnings(files, asked.witnesses)),
    )


def _file(path: Path, asked: Asked, loaded: LoadedRecipe | None, faults: list[str]) -> File | None:
    if not path.exists():
        faults.append(f"{path}: no such file.")
        return None
    form, runtime = _runtime(path, faults)
    if form is None or runtime is None:
        return None
    try:
        origin = origins.find(path) if loaded is not None else origins.insist(path)
    except InputError as error:
        faults.append(str(error))
        return None
    return File(
        path=path,
        format=form,
        runtime=runtime,
        origin=origin,
        witnesses=witnesses.choose(asked.witnesses, form, runtime, faults),
        limits=_limits(origin, asked, loaded),
    )


def _runtime(path: Path, faults: list[str]) -> tuple[str | None, str | None]:
    """Format and runtime of a file by its ending; what is wrong goes to the faults."""
    suffixes = {registry.load("converters", name).SUFFIX: name for name in registry.names("converters")}
    form = suffixes.get(path.suffix)
    if form is None:
        faults.append(f"{path}: is no file that ends in {', '.join(suffixes)}.")
        return None, None
    runtime, reason = runtime_for(form)
    if reason is not None:
        faults.append(f"{path}: cannot be run here: {reason}")
        return form, None
    return form, runtime


def _limits(origin: Origin | None, asked: Asked, loaded: LoadedRecipe | None) -> dict[str, float | None]:
    """Gates of the recipe that is given, else those that the file's run was judged by, else the usual drop alone."""
    if loaded is not None:
        found = {name: getattr(loaded.recipe.gates, name) for name in verdicts.GATES}
    else:
        found = dict.fromkeys(verdicts.GATES) | (_recorded(origin) if origin is not None else {})
    if asked.max_top1_drop is not None:
        found["max_top1_drop"] = asked.max_top1_drop
    elif all(value is None for value in found.values()):
        found["max_top1_drop"] = USUAL_DROP
    return found


def _recorded(origin: Origin) -> dict[str, float | None]:
    """Limits of the gates that the file's run was judged by; what is no ratio was none of them."""
    rows, found = _record(origin).get("verdicts"), {}
    for v in rows if isinstance(rows, list) else []:
        if not isinstance(v, dict) or (v.get("format"), v.get("scheme"), v.get("device")) != (origin.format, origin.scheme, None):
            continue
        gate, limit = v.get("gate"), v.get("limit")
        if gate in verdicts.GATES and isinstance(limit, int | float) and 0.0 <= limit <= 1.0:
            found[gate] = float(limit)
    return dict(found)


def _record(origin: Origin) -> dict[str, Any]:
    """The report again, for what `Origin` does not hold; `origins` has checked its size and form."""
    value: dict[str, Any] = json.loads(origin.record.read_text(encoding="utf-8"))
    return value


def _network(files: list[File], loaded: LoadedRecipe | None) -> tuple[Preprocess, tuple[str, ...], bool]:
    """Preparation, classes and kind of answers, which all files must share."""
    known = [(file, file.origin) for file in files if file.origin is not None]
    faults = []
    if loaded is not None:
        recipe = loaded.recipe
        preprocess, several = recipe.preprocess, recipe.data.separator is not None
        names = known[0][1].class_names if known else registry.load("datasets", recipe.data.source).load(recipe.data).class_names
    else:
        first = known[0][1]
        preprocess, names, several = first.preprocess, first.class_names, first.several
    whose = f"--recipe {loaded.path}" if loaded is not None else str(files[0].path)
    for file, origin in known:
        if origin.preprocess != preprocess:
            faults.append(f"{file.path}: {origin.record} prepares photos otherwise than {whose}.")
        if origin.class_names != names or origin.several != several:
            faults.append(f"{file.path}: has other classes than {whose}.")
    if faults:
        raise InputError("verify: the files are not of one network. Give those of one run at a time.", faults)
    return preprocess, tuple(names), several


def _against(asked: Asked, files: list[File]) -> Path:
    """The file that answers for the checkpoint."""
    if asked.against is None:
        known = [file.origin for file in files]
        folders = {o.checkpoint.resolve(): o.checkpoint for o in known if o is not None and o.checkpoint is not None}
        if len(folders) == 1 and all(o is not None and o.checkpoint is not None for o in known):
            return next(iter(folders.values())) / NETWORK
        what = "the files come from different checkpoints" if len(folders) > 1 else "no checkpoint lies beside the files"
        raise InputError(f"verify: {what}. Give --against with a checkpoint's folder (runs/<recipe>/checkpoint) or a file.")
    path = asked.against / NETWORK if asked.against.is_dir() and asked.against.suffix != ".mlpackage" else asked.against
    if not path.exists():
        raise InputError(f"--against {asked.against}: there is no {path}. Give runs/<recipe>/checkpoint, or a converted file.")
    return path


def _own_recipe(files: list[File]) -> tuple[LoadedRecipe | None, str]:
    """The recipe that the files' run was given, as it stands now."""
    origin = next(file.origin for file in files if file.origin is not None)
    if origin.recipe is None:
        own = origin.record.name == "report.json"
        return None, "the files were converted without a recipe" if own else "a bundle does not name its recipe"
    overrides = _record(origin)["recipe"].get("overrides", [])
    try:
        return load_recipe(origin.recipe, tuple(map(str, overrides))), ""
    except (InputError, OSError) as error:
        return None, f"its recipe cannot be read ({str(error).splitlines()[0]})"


def _warnings(files: list[File], names: tuple[str, ...]) -> list[str]:
    found = []
    for file in files:
        if witnesses.ALL in names and not any(witness.way is None for witness in file.witnesses):
            found.append(f"{file.path}: --witness {witnesses.ALL}: no other runtime here runs {file.format} files.")
        if file.origin is not None and not file.origin.same:
            found.append(
                f"{file.path}: is not the file that {file.origin.record} speaks of (its sha256 is another). "
                "What is said here is of the file as it is now."
            )
        elif file.origin is None:
            found.append(f"{file.path}: no run wrote it down, so it is taken to be prepared as the recipe says.")
    return found
