"""The images of `edgetl verify FILE`: a folder of photos, or the test split that the run kept; prepared once for all."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from edgetl import photos, pipeline
from edgetl.errors import EdgetlError, InputError
from edgetl.labels import in_turn
from edgetl.store import ROOT, Store
from edgetl.verification.given import Given

if TYPE_CHECKING:
    import numpy as np

    from edgetl.rowfile import RowFile


@dataclass(frozen=True, slots=True, kw_only=True)
class Images:
    """Prepared images and what is right of them."""

    where: str
    """Where they come from, in words."""
    names: tuple[str, ...]
    labels: np.ndarray
    """int64 (N,), class or set of labels."""
    sets: np.ndarray | None
    """bool (sets, classes); None = one label an image."""
    path: Path
    """`.npy` file, uint8 (M, px, px, 3)."""
    rows: tuple[int, ...] | None
    """Which of them, in order; None = all."""

    def pixels(self) -> RowFile:
        """uint8 (N, px, px, 3), read from disk when asked for."""
        import numpy as np

        from edgetl.rowfile import RowFile

        return RowFile(self.path, None if self.rows is None else np.array(self.rows, np.int64))


def gather(given: Given, data: Path | None, limit: int | None, scratch: Path, told: Callable[[int, int], None]) -> Images:
    """Prepare the images.

    Args:
        given: the files.
        data: folder of photos; None = the test split that the run kept.
        limit: most images, the classes in turn; None = all.
        scratch: folder for prepared photos.
        told: called with how many are done, and of how many.

    Returns:
        At least one image.

    Raises:
        InputError: there are none, or they do not fit the network.
    """
    if data is None:
        return _split(given, limit)
    import numpy as np

    if given.several:
        raise InputError(
            "--data: an image of this network may have several labels, which a folder does not say. Leave --data out: "
            "the run's own test split is used."
        )
    found = photos.gather(data, given.class_names, limit=limit)
    if not found.items:
        raise InputError(f"--data {data}: holds no photos.")
    path = scratch / "pixels.npy"
    np.save(path, found.pixels(given.preprocess, told), allow_pickle=False)
    names = tuple(photo.name for photo in found.items)
    return Images(where=str(data), names=names, labels=found.labels, sets=None, path=path, rows=None)


def _split(given: Given, limit: int | None) -> Images:
    """The test split in the store of the working folder."""
    from edgetl.preprocess import load_index, load_label_sets, load_split

    def missing(why: str) -> InputError:
        return InputError(f"verify: which photos? Give --data FOLDER, one sub-folder a class; the run's own are not here: {why}.")

    if given.recipe is None:
        raise missing(given.why_no_recipe)
    try:
        step = pipeline.plan(given.recipe, "prepare")[0].step
    except EdgetlError as error:
        raise missing(str(error).splitlines()[0].rstrip(".")) from error
    store = Store(ROOT, given.recipe.recipe.name)
    status = store.status(step)
    if not status.cached:
        raise missing(
            f"{store.folder} keeps no prepared photos of {given.recipe.path} as it is now ({'; '.join(status.reasons)})"
        )
    folder = store.path(step)
    index = load_index(folder)
    if tuple(index["class_names"]) != given.class_names or given.recipe.recipe.preprocess != given.preprocess:
        raise missing(f"{folder} was prepared for other classes or sizes")
    pixels, labels = load_split(folder, "test")
    own = [image for image in index["images"] if image["split"] == "test"]
    chosen = range(len(own)) if limit is None else in_turn(labels.tolist(), limit, seed=0)
    if not len(chosen):
        raise missing("the test split is empty")
    return Images(
        where=f"test split of {given.recipe.path}",
        names=tuple(own[i]["name"] for i in chosen),
        labels=labels[list(chosen)],
        sets=load_label_sets(folder),
        path=pixels.path,
        rows=tuple(own[i]["row"] for i in chosen),
    )
