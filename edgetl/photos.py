"""A user's folder of photos, as the classes of a network that exists: for everything that asks a converted file about photos."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from edgetl import registry
from edgetl.errors import DataError
from edgetl.labels import in_turn

if TYPE_CHECKING:
    import numpy as np

    from edgetl.types import Preprocess


@dataclass(frozen=True, slots=True, kw_only=True)
class Photo:
    """One photo of the folder, not yet decoded."""

    name: str
    """Path relative to the folder, with forward slashes."""
    label: int
    """Index of its class in the network's classes."""
    read: Callable[[], bytes]
    """Returns the bytes of the encoded image."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Photos:
    """Photos, in a fixed order."""

    class_names: tuple[str, ...]
    """The network's classes, in index order."""
    items: tuple[Photo, ...]

    @property
    def labels(self) -> np.ndarray:
        """int64 (N,)."""
        import numpy as np

        return np.array([photo.label for photo in self.items], np.int64)

    def pixels(self, preprocess: Preprocess, told: Callable[[int, int], None] | None = None) -> np.ndarray:
        """Decode, turn, resize and crop all photos, as `edgetl.preprocess` does for training.

        Args:
            preprocess: the sizes.
            told: called with how many are done, and of how many.

        Returns:
            uint8 (N, crop_px, crop_px, 3), RGB.

        Raises:
            DataError: photos that cannot be used, all of them at once.
        """
        import numpy as np

        from edgetl.preprocess import ImageFault, to_pixels

        found = np.empty((len(self.items), preprocess.crop_px, preprocess.crop_px, 3), np.uint8)
        faults = []
        for row, photo in enumerate(self.items):
            try:
                found[row] = to_pixels(photo.read(), preprocess)
            except ImageFault as fault:
                faults.append(f"{photo.name}: {fault}.")
            if told is not None:
                told(row + 1, len(self.items))
        if faults:
            raise DataError(f"{len(faults)} photo{'s' if len(faults) > 1 else ''} cannot be used:", faults[:50])
        return found


def gather(folder: Path, class_names: Sequence[str] | None = None, *, limit: int | None = None, seed: int = 0) -> Photos:
    """List a folder of photos, one sub-folder a class (or `train`, `val`, `test` folders of such).

    Args:
        folder: the folder.
        class_names: the network's classes in index order; the folder may lack some of them. None = the folder's own, sorted.
        limit: take at most so many, the classes in turn, chosen by `seed`; None = all.
        seed: of that choice.

    Returns:
        The photos; where the folder has splits, those of all of them.

    Raises:
        DataError: the folder cannot be used, or has a class that the network does not have.
    """
    from edgetl.recipe import Source

    least = 2 if class_names is None else 1  # a network that exists can be asked about photos of one class
    dataset = registry.load("datasets", "folder").load_classes(Source(source="folder", path=str(folder)), least)
    own = tuple(class_names) if class_names is not None else dataset.class_names
    strange = [name for name in dataset.class_names if name not in own]
    if strange:
        raise DataError(
            f"{folder}: holds classes that the network does not have: {', '.join(strange[:12])}. "
            f"It has: {', '.join(own[:12])}{' …' if len(own) > 12 else ''}."
        )
    index = [own.index(name) for name in dataset.class_names]
    items = [Photo(name=s.name, label=index[s.class_index], read=s.read) for s in dataset.samples]
    if limit is not None and limit < len(items):
        chosen = in_turn([photo.label for photo in items], limit, seed)
        items = sorted((items[row] for row in chosen), key=lambda photo: photo.name)
    return Photos(class_names=own, items=tuple(items))
