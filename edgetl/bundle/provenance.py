"""Where a bundle's artifacts come from: recipe, images, tools, steps. No clock, no user, no folder of this computer."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from edgetl.bundle.names import RECIPE
from edgetl.bundle.plain import digest
from edgetl.errors import InputError
from edgetl.recipefile import LoadedRecipe
from edgetl.store import Step

_ABSOLUTE = re.compile(r"(?:/|~|[A-Za-z]:[\\/]|\\\\)")
_PACKAGE = "package "


def of_recipe(loaded: LoadedRecipe) -> tuple[dict[str, Any], str]:
    """Say which recipe was obeyed.

    Args:
        loaded: the recipe; its file is read again.

    Returns:
        `RecipeFacts` of the manifest as plain values, and the text for the bundle.

    Raises:
        InputError: the file cannot be read.
    """
    try:
        data = Path(loaded.path).read_bytes()
        text = data.decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{loaded.path}: cannot be read for the bundle ({error}).") from error
    facts = {
        "path": RECIPE,
        "sha256": loaded.sha256,
        "file_sha256": digest(data),
        "overrides": [_shortened(text, text.partition("=")[2:]) for text in loaded.overrides],
    }
    return facts, _shortened(text, _texts_in(text))


def of_steps(steps: Iterable[Step]) -> dict[str, Any]:
    """Say which steps made the artifacts, and with which packages.

    Args:
        steps: those that a bundle's content comes from.

    Returns:
        `tools` and `steps` of the manifest's `Provenance`.
    """
    found = list(steps)
    packages = {(k.removeprefix(_PACKAGE), v) for step in found for k, v in step.decides.items() if k.startswith(_PACKAGE)}
    return {
        "tools": {name: version for name, version in sorted(packages, key=str) if version is not None},
        "steps": {step.label: step.key for step in sorted(found, key=lambda s: s.label)},
    }


def of_images(index: Mapping[str, Any]) -> dict[str, Any]:
    """Count and digest the images of each split.

    Args:
        index: of `preprocess.load_index`.

    Returns:
        `data` of the manifest's `Provenance`; the order and the names of the images do not matter.
    """
    classes, sets = index["class_names"], index["label_sets"]

    def labels(image: Mapping[str, Any]) -> list[str]:
        number = image["class_index"]
        if number < 0:
            return []
        return [classes[number]] if sets is None else [classes[own] for own in sets[number]]

    found = {}
    for split in dict.fromkeys(image["split"] for image in index["images"]):
        images = [image for image in index["images"] if image["split"] == split]
        lines = sorted(f"{image['sha256']}  {','.join(labels(image))}\n" for image in images)
        counts = dict.fromkeys(classes, 0)
        for image in images:
            for name in labels(image):
                counts[name] += 1
        sums = hashlib.sha256("".join(lines).encode()).hexdigest()
        found[split] = {"images": len(images), "sha256": sums, "classes": counts if any(counts.values()) else {}}
    return found


def _texts_in(text: str) -> list[str]:
    """All strings among a recipe's values."""
    import yaml

    waiting, found = [yaml.safe_load(text)], []
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            waiting += value.values()
        elif isinstance(value, list):
            waiting += value
        elif isinstance(value, str):
            found.append(value)
    return found


def _shortened(text: str, values: Iterable[str]) -> str:
    """Leave the folders of absolute paths out of a text: of `/home/me/photos` stays `…/photos`."""
    for value in sorted({v for v in values if _ABSOLUTE.match(v)}, key=len, reverse=True):
        text = text.replace(value, "…/" + re.split(r"[\\/]", value.rstrip("\\/"))[-1])
    return text
