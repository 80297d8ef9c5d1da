"""ONNX without quantization: what every ONNX row's time is compared with."""

from __future__ import annotations

from pathlib import Path

from benchmarks.peers import _float_onnx
from benchmarks.peers._base import Clock, Material, missing

TITLE = "tf2onnx, float"
TRAINED = False


def unavailable() -> str | None:
    """See `PeerModule.unavailable`."""
    return missing("tensorflow", "tf_keras", "tf2onnx")


def make(material: Material, out: Path, clock: Clock) -> Path:
    """See `PeerModule.make`."""
    import tf2onnx  # noqa: F401 - imports are not conversion

    model = material.network()
    with clock("convert"):
        return _float_onnx.write(model, out / "float.onnx")
