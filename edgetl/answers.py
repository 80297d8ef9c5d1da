"""What a file or a network answers to images: one array of probabilities. Run in a child process, by `isolation.call`.

A file that somebody gave may crash its runtime, and TensorFlow is heavy; neither is to happen to the process that asks.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgetl import registry
from edgetl.errors import EdgetlError, InputError, VerificationError
from edgetl.stages._base import Emit
from edgetl.types import Preprocess, from_json

if TYPE_CHECKING:
    import numpy as np

    from edgetl.rowfile import RowFile

BATCH = 32
"""Images at a time through a network."""
_EVERY = 20
"""Images between two words of progress."""


def run(arguments: dict[str, Any], emit: Emit) -> dict[str, Any]:
    """Write the answers to a `.npy` file: float32 (N, classes), probabilities.

    Args:
        arguments: `path` of the file; `runtime` that runs it, None for a frozen network; `preprocess`; `class_names`; `pixels`:
            `.npy` file, uint8 (M, px, px, 3), and `rows`: which of them (None = all); `out`: file to write.
        emit: receives progress.

    Returns:
        `n`.

    Raises:
        InputError: the file takes images of another size.
        VerificationError: the runtime refuses the file, or its answers are none of these classes, or not finite.
    """
    import numpy as np

    from edgetl.rowfile import RowFile

    path, preprocess = Path(arguments["path"]), from_json(Preprocess, arguments["preprocess"])
    rows = None if arguments["rows"] is None else np.array(arguments["rows"], np.int64)
    pixels, class_names = RowFile(Path(arguments["pixels"]), rows), tuple(arguments["class_names"])
    if arguments["runtime"] is None:
        found: Any = _of_network(path, pixels, preprocess, len(class_names), emit)
    else:
        found = _of_file(path, arguments["runtime"], pixels, preprocess, class_names, emit)
    np.save(arguments["out"], checked(found, path.name, len(class_names)), allow_pickle=False)
    return {"n": len(found)}


def checked(found: Any, name: str, classes: int) -> np.ndarray:
    """Refuse answers that are no probabilities of these classes.

    Args:
        found: rows of answers.
        name: of what gave them, for the message.
        classes: how many there must be.

    Returns:
        float32 (N, classes).

    Raises:
        VerificationError: another shape, or a value that is not finite.
    """
    import numpy as np

    try:
        values: np.ndarray = np.asarray(found, np.float32)
    except (TypeError, ValueError) as error:
        raise VerificationError(f"{name}: its answers are no rows of numbers ({error}).") from error
    if values.ndim != 2 or values.shape[1] != classes:
        raise VerificationError(
            f"{name}: answers {'x'.join(map(str, values.shape[1:])) or 'one'} numbers an image, and there are {classes} classes."
        )
    if not np.isfinite(values).all():
        raise VerificationError(f"{name}: gives values that are not finite.")
    return values


def _of_file(
    path: Path, runtime: str, pixels: RowFile, preprocess: Preprocess, class_names: tuple[str, ...], emit: Emit
) -> list[np.ndarray]:
    import numpy as np

    session = registry.load("runtimes", runtime).open(path, 1, preprocess, class_names)
    found = []
    for row in range(len(pixels)):
        try:
            session.set_input(pixels[row])
            session.invoke()
        except Exception as error:  # noqa: BLE001 - onnxruntime's exceptions share no other base
            _insist_on_size(path, preprocess.crop_px)
            if isinstance(error, EdgetlError):
                raise
            raise VerificationError(f"{path.name}: {runtime} cannot run it on these images: {error}") from error
        found.append(np.array(session.output()))
        if row % _EVERY == 0:
            emit({"done": row, "of": len(pixels)})
    session.close()
    return found


def _insist_on_size(path: Path, px: int) -> None:
    """Refuse photos of another size than a file takes, in the file's own words rather than its runtime's."""
    from edgetl import inspection

    sides = [side for end in inspection.read(path).inputs[:1] for side in end.shape if side > 4]  # neither batch nor channels
    if any(side != px for side in sides):
        raise InputError(
            f"{path.name}: takes images of {'×'.join(map(str, sides))} pixels, and photos are prepared as {px}×{px} "
            "(preprocess.crop_px). Give the recipe that it was made by, or a file of that size."
        )


def _of_network(path: Path, pixels: RowFile, preprocess: Preprocess, classes: int, emit: Emit) -> np.ndarray:
    import numpy as np
    import tensorflow as tf

    from edgetl.nn.frozen import thaw
    from edgetl.preprocess import normalise

    infer = thaw(path, preprocess.crop_px, None)
    found = []
    for first in range(0, len(pixels), BATCH):
        values = normalise(pixels[first : first + BATCH], preprocess)
        found.append(infer(tf.constant(values))["probabilities"].numpy())
        emit({"done": first, "of": len(pixels)})
    return np.concatenate(found) if found else np.empty((0, classes), np.float32)
