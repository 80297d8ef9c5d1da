"""What a peer must define and what it is given."""

from __future__ import annotations

import importlib
import importlib.util
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, cast

if TYPE_CHECKING:
    import numpy as np

OPSET = 17
"""Of every ONNX file here; the one that edgetl writes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Material:
    """All that a peer starts from: files in one folder, and the recipe's quantize section."""

    folder: str
    mean: float
    std: float
    epochs: int
    learning_rate: float
    batch_size: int
    seed: int

    def network(self) -> Any:
        """Load the float network: tf_keras, float32 (N, px, px, 3) → softmax (N, classes), flat."""
        import tensorflow as tf
        import tf_keras

        path = str(Path(self.folder) / "float.h5")
        return tf_keras.models.load_model(path, custom_objects={"relu6": tf.nn.relu6}, compile=False)

    def calibration(self) -> np.ndarray:
        """Load the calibration images: float32 (N, px, px, 3), normalised."""
        import numpy as np

        return cast("np.ndarray", np.load(Path(self.folder) / "calibration.npy", allow_pickle=False))

    def split(self, name: str) -> tuple[np.ndarray, np.ndarray]:
        """Open `train` or `test`: uint8 (N, px, px, 3) on disk, int64 (N,)."""
        import numpy as np

        folder = Path(self.folder)
        pixels = np.load(folder / f"{name}_pixels.npy", mmap_mode="r", allow_pickle=False)
        return pixels, np.load(folder / f"{name}_labels.npy", allow_pickle=False)


@dataclass(slots=True)
class Clock:
    """Seconds that parts of the work took; `convert` is what the table calls conversion alone."""

    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def __call__(self, part: str) -> Iterator[None]:
        """Time a `with` block and add it to `part`."""
        begun = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[part] = self.seconds.get(part, 0.0) + time.perf_counter() - begun


class PeerModule(Protocol):
    """The names a module in this folder defines."""

    @property
    def TITLE(self) -> str:
        """One line for the table."""

    @property
    def TRAINED(self) -> bool:
        """Whether it starts from the network that `_stock_qat` trained; then that is trained once, before the first of them."""

    def unavailable(self) -> str | None:
        """None, or which package is missing. Never raises."""

    def make(self, material: Material, out: Path, clock: Clock) -> Path:
        """Write the file into the folder `out` and return its path; imports and loading stay outside `clock("convert")`."""


def missing(*packages: str) -> str | None:
    """Say which packages cannot be imported, without importing them; None when all are there."""
    absent = [p for p in packages if importlib.util.find_spec(p) is None]
    return f"not installed: {', '.join(absent)}" if absent else None


def names() -> tuple[str, ...]:
    """Every peer, in alphabetical order."""
    return tuple(sorted(p.stem for p in Path(__file__).parent.glob("[a-z]*.py")))


def load(name: str) -> PeerModule:
    """Import one peer."""
    return cast("PeerModule", importlib.import_module(f"benchmarks.peers.{name}"))
