"""Calibration images as onnxruntime's quantizer asks for them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np


def reader(images: np.ndarray, name: str) -> Any:
    """Make onnxruntime's `CalibrationDataReader`.

    Args:
        images: float32 (N, px, px, 3), normalised.
        name: the network's input.

    Returns:
        A reader that gives one image at a time.
    """
    from onnxruntime.quantization import CalibrationDataReader

    class Reader(CalibrationDataReader):  # type: ignore[misc]
        def __init__(self) -> None:
            self._feeds = iter([{name: images[i : i + 1]} for i in range(len(images))])

        def get_next(self) -> dict[str, Any] | None:
            return next(self._feeds, None)

    return Reader()
