"""The naive way from quantization-aware training to ONNX: tf2onnx on the trained Keras network."""

from __future__ import annotations

from pathlib import Path

from benchmarks.peers import _float_onnx
from benchmarks.peers._base import Clock, Material, missing

TITLE = "tfmot quantize_model + fit, tf2onnx"
TRAINED = True


def unavailable() -> str | None:
    """See `PeerModule.unavailable`."""
    return missing("tensorflow", "tf_keras", "tensorflow_model_optimization", "tf2onnx")


def make(material: Material, out: Path, clock: Clock) -> Path:
    """See `PeerModule.make`."""
    import tf2onnx  # noqa: F401 - imports are not conversion

    from benchmarks.peers._stock_qat import trained

    model = trained(material)
    with clock("convert"):
        return _float_onnx.write(model, out / "qat.onnx")
