"""Read a recipe: a path (or the name of one that comes with edgetl) and `--set` overrides → a checked `Recipe`.

Every fault of the file comes at once, as `file:line: key: what`.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgetl import places
from edgetl.errors import RecipeError, UnknownName
from edgetl.recipe import Recipe
from edgetl.schema import check, json_schema
from edgetl.yamlfile import EXPONENT, YamlFile, read_yaml

_PATHS = (
    ("data", "path"),
    ("test", "path"),
    ("unlabelled", "path"),
    ("backbone", "weights", "path"),
    ("backbone", "network", "path"),
    ("distill", "checkpoint"),
    ("distill", "backbone", "weights", "path"),
    ("distill", "backbone", "network", "path"),
)
"""Keys of a recipe that hold a path; `devices` may, too."""


@dataclass(frozen=True, slots=True)
class LoadedRecipe:
    """A recipe and where it came from."""

    recipe: Recipe
    path: str
    sha256: str
    """Of the recipe's values with overrides applied, as canonical JSON; independent of comments and layout."""
    overrides: tuple[str, ...]


def find_recipe(name: str) -> Path:
    """Turn what a user typed into a path.

    Args:
        name: a path of a YAML file, or the bare name of a recipe that comes with edgetl.

    Returns:
        The path of an existing file.

    Raises:
        UnknownName: neither.
    """
    path = Path(name)
    if path.suffix in (".yaml", ".yml") or os.sep in name or path.exists():
        return path
    shipped = {p.stem: p for p in sorted(places.shipped("recipes").glob("*.yaml"))}
    if name not in shipped:
        raise UnknownName("recipe", name, shipped)
    return shipped[name]


def load_recipe(name: str, overrides: tuple[str, ...] = ()) -> LoadedRecipe:
    """Read a recipe and check all of it.

    Args:
        name: a path, or the name of a recipe that comes with edgetl.
        overrides: `key.path=value` pairs; the value is read as YAML. Paths in them are relative to the working folder.

    Returns:
        The recipe.

    Raises:
        RecipeError: with every fault found.
        InputError: the file cannot be read.
    """
    path = find_recipe(name)
    file = read_yaml(path)
    faults: list[str] = []
    overridden: set[str] = set()
    for text in overrides:
        complaint = _override(file, text, overridden)
        if complaint:
            faults.append(f"--set {text}: {complaint}")

    def where(key: str) -> str:
        return f"--set {key}" if any(key == k or key.startswith(k) for k in overridden) else file.where(key)

    canonical = json.dumps(file.value, sort_keys=True, ensure_ascii=False, default=str)
    if not faults:
        _resolve_paths(file.value, path.parent, overridden)
    recipe = check(Recipe, file.value, where, faults)
    if recipe is None or faults:
        quoted = " Digits alone are a number: write --set \"KEY='2'\" for text."
        faults = [f"{f}{quoted}" if re.match(r"--set .*: must be text, not a (whole )?number ", f) else f for f in faults]
        raise RecipeError(f"{file.path}: {len(faults)} fault(s). Nothing was run.", faults)
    return LoadedRecipe(recipe, file.path, hashlib.sha256(canonical.encode()).hexdigest(), overrides)


def paths_read(recipe: Recipe) -> tuple[str, ...]:
    """List the files and folders that a recipe names, besides itself.

    Args:
        recipe: as `load_recipe` gave it.

    Returns:
        Paths, relative to the working folder or absolute.
    """
    found: list[str] = []
    for keys in _PATHS:
        value: Any = recipe
        for key in keys:
            value = getattr(value, key, None)
        found += [value] if isinstance(value, str) else []
    return (*found, *(device for device in recipe.devices if device.endswith((".yaml", ".yml"))))


def recipe_json_schema() -> dict[str, Any]:
    """JSON Schema of a recipe file, for editors."""
    return json_schema(Recipe, "edgetl recipe")


def _override(file: YamlFile, text: str, overridden: set[str]) -> str | None:
    """Put one `key=value` into the values; return what is wrong with it, or None."""
    import yaml

    key, equals, raw = text.partition("=")
    steps = re.findall(r"[^.\[\]]+|\[\d+\]", key)
    if not equals or not steps or re.sub(r"\.?([^.\[\]]+|\[\d+\])", "", key):
        return "must be key.path=value, for example train[0].epochs=3."
    try:
        value = yaml.safe_load(raw) if raw else None
    except yaml.YAMLError:
        return "the value is not YAML."
    if isinstance(value, str) and EXPONENT.match(value):
        value = float(value)  # 1e-3, as in the files
    holder: Any = file.value
    for step, following in zip(steps, [*steps[1:], ""], strict=True):
        index: Any = int(step[1:-1]) if step.startswith("[") else step
        if isinstance(index, int):
            if not isinstance(holder, list) or index >= len(holder):
                return f"there is no item {step}."
        elif not isinstance(holder, dict):
            return f"'{step}' is not below a mapping."
        if not following:
            holder[index] = value
        elif isinstance(index, str) and not isinstance(holder.get(index), dict | list):
            holder[index] = {}  # `weights: imagenet` gives way to `weights: {path: …}`
        holder = holder[index]
    overridden.add(key)
    return None


def _resolve_paths(values: Any, folder: Path, overridden: set[str]) -> None:
    """Make the paths of the file relative to the working folder, as those of `--set` already are."""
    for section, *keys in _PATHS:
        holder = values.get(section) if isinstance(values, dict) else None
        for key in keys[:-1]:
            holder = holder.get(key) if isinstance(holder, dict) else None
        dotted = ".".join((section, *keys))
        given = any(dotted == k or dotted.startswith(f"{k}.") for k in overridden)
        if isinstance(holder, dict) and isinstance(holder.get(keys[-1]), str) and not given:
            holder[keys[-1]] = str(folder / holder[keys[-1]])
    profiles = values.get("devices") if isinstance(values, dict) else None
    if isinstance(profiles, list) and not any(k.startswith("devices") for k in overridden):
        values["devices"] = [str(folder / d) if isinstance(d, str) and d.endswith((".yaml", ".yml")) else d for d in profiles]
