"""Which photos calibrate a network that came without a recipe, which test its files, and what that is worth."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgetl import registry
from edgetl.recipe import Quantize, Recipe, Source

if TYPE_CHECKING:
    import numpy as np

    from edgetl.nn.saved.adopted import Adopted
    from edgetl.photos import Photo

_ALL = 10_000_000


def listed(
    given: dict[str, Any], recipe: Recipe, names: tuple[str, ...], *, several: bool
) -> tuple[tuple[Photo, ...], list[int], list[int], bool]:
    """List the photos: those that calibrate, then those that are tested, of the same folder where no other is given.

    Of the same folder those are tested first that do not calibrate. They have labels where each lies in a folder of its class.

    Args:
        given: the stage's `extra`.
        recipe: says how many calibrate, and the seed.
        names: of the classes.
        several: an image may have several labels; folders say none.

    Returns:
        The photos, the rows of those that calibrate and of those that are tested, and whether these have labels.

    Raises:
        DataError: a folder cannot be used, or is named as no class.
    """
    from edgetl import photos

    section = recipe.quantize or Quantize(scheme="w8a8_ptq")
    first = _unlabelled(given["calibration"], section.calibration_images, recipe.seed) if given["calibration"] else ()
    labelled = given["labels"] is not None and not several
    if given["data"] is None:
        used = {photo.name for photo in first}
        rest = [photo for photo in _unlabelled(given["calibration"], _ALL, recipe.seed) if photo.name not in used]
        random.Random(recipe.seed).shuffle(rest)
        items = (*first, *rest[: given["verification_images"]])
        labelled = labelled and all("/" in photo.name for photo in items)
        if labelled:
            known = {photo.name: photo.label for photo in photos.gather(Path(given["calibration"]), names).items}
            items = tuple(replace(photo, label=known[photo.name]) for photo in items)
        tested = [*range(len(first), len(items)), *range(len(first))][: given["verification_images"]]
        return items, list(range(len(first))), sorted(tested), labelled
    if labelled:
        second = photos.gather(Path(given["data"]), names, limit=given["verification_images"], seed=recipe.seed).items
    else:
        second = _unlabelled(given["data"], given["verification_images"], recipe.seed)
    items = (*first, *second)
    return items, list(range(len(first))), list(range(len(first), len(items))), labelled


def _unlabelled(folder: str, limit: int, seed: int) -> tuple[Photo, ...]:
    from edgetl.photos import Photo

    listed = registry.load("datasets", "folder").load_unlabelled(Source(source="folder", path=folder)).samples
    rows = sorted(random.Random(seed).sample(range(len(listed)), min(limit, len(listed))))
    return tuple(Photo(name=listed[row].name, label=-1, read=listed[row].read) for row in rows)


def cautions(
    made: Adopted, schemes: Sequence[str], pixels: np.ndarray, rows: tuple[list[int], list[int]], logits: np.ndarray, names: Any
) -> list[str]:
    """Say what makes the figures worth less than they look.

    Args: the network; schemes asked for; uint8 (N, px, px, 3); rows that calibrate and that are tested; the network's own
    answers to the latter, float32 (tested, classes); names of the classes. Returns: a sentence each, without a full stop.
    """
    import numpy as np

    calibrating, tested = ({row: hashlib.sha256(pixels[row].tobytes()).digest() for row in some} for some in rows)
    used, found = set(calibrating.values()), []
    ranged = made.network is not None and any(registry.load("schemes", name).NEEDS == "calibration" for name in schemes)
    same = sum(digest in used for digest in tested.values())
    if ranged and same:
        found.append(
            f"{same} of the {len(tested)} photos tested also gave int8 its ranges, which flatters it; others: --data FOLDER"
        )
    answers = np.unique(logits.argmax(axis=1))
    if not made.several and len(tested) > 1 and len(answers) == 1:
        found.append(f"the network gives class {names[answers[0]]} on all {len(tested)} photos: agreement says little")
    return found
