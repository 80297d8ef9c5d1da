"""Real images that come inside a package: scikit-learn's 1,797 handwritten digits. For the quickstart, tests and CI."""

from __future__ import annotations

import functools
import io
from typing import TYPE_CHECKING

from edgetl.errors import DataError, UnknownName
from edgetl.types import Dataset, Sample

if TYPE_CHECKING:
    from edgetl.datasets._base import Spec

TITLE = "Images inside a package, for a first run: digits (1,797 handwritten digits, 10 classes)."
REQUIRED = ("name",)
OPTIONAL: tuple[str, ...] = ()

_SHA256 = {"digits": "87ff0c9e40dc7e2c0e34e7257799c2e3f3aec1a016363bb11cad869ec428a826"}
"""sha256 of the raw values and labels as `load` sees them, so that a result is never kept for other images."""
_LICENCE = "CC BY 4.0: E. Alpaydin and C. Kaynak, Optical Recognition of Handwritten Digits, UCI ML Repository, 1998"


def unavailable() -> str | None:
    """See `DatasetModule.unavailable`."""
    import importlib.util

    return None if importlib.util.find_spec("sklearn") else "scikit-learn is not installed; pip install edgetl brings it."


def fingerprint(spec: Spec) -> dict[str, str]:
    """See `DatasetModule.fingerprint`."""
    return {"content": _SHA256[_known(spec)]}


def _known(spec: Spec) -> str:
    if spec.name not in _SHA256:
        raise UnknownName("built-in set of images", str(spec.name), _SHA256, "data.name")
    return str(spec.name)


def load(spec: Spec) -> Dataset:
    """See `DatasetModule.load`. Each 8 × 8 image of values 0 to 16 becomes an 8-bit PNG by round(value · 255 / 16)."""
    import hashlib

    import numpy as np
    from sklearn.datasets import load_digits

    name = _known(spec)
    bunch = load_digits()
    values, labels = bunch.images.astype(np.uint8), bunch.target.astype(np.uint8)
    found = hashlib.sha256(values.tobytes() + labels.tobytes()).hexdigest()
    if found != _SHA256[name]:
        raise DataError(f"data.name: {name}: scikit-learn's images are not the ones known (sha256 {found}).")
    grey = np.round(values * (255 / 16)).astype(np.uint8)

    def png(row: int) -> bytes:
        from PIL import Image

        file = io.BytesIO()
        Image.fromarray(grey[row]).save(file, "PNG")
        return file.getvalue()

    samples = tuple(
        Sample(name=f"digits/{label}/{row:04d}.png", class_index=int(label), split=None, read=functools.partial(png, row))
        for row, label in enumerate(labels)
    )
    return Dataset(class_names=tuple("0123456789"), samples=samples, licence=_LICENCE)
