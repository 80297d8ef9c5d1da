"""onnxruntime's static quantization with its defaults: QDQ, one range a tensor."""

from __future__ import annotations

from pathlib import Path

from benchmarks.peers import _float_onnx
from benchmarks.peers._base import Clock, Material, missing

TITLE = "tf2onnx, onnxruntime quantize_static, defaults"
TRAINED = False


def unavailable() -> str | None:
    """See `PeerModule.unavailable`."""
    return missing("tensorflow", "tf_keras", "tf2onnx", "onnxruntime")


def make(material: Material, out: Path, clock: Clock) -> Path:
    """See `PeerModule.make`."""
    import tf2onnx  # noqa: F401 - imports are not conversion
    from onnxruntime.quantization import quantize_static

    from benchmarks.peers._calibration_reader import reader

    model, images = material.network(), material.calibration()
    with clock("convert"):
        floating = _float_onnx.write(model, out / "float.onnx")
        path = out / "default.onnx"
        with clock("quantize"):
            quantize_static(str(floating), str(path), reader(images, "image"))
    return path
