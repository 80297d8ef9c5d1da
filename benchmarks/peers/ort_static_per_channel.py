"""onnxruntime's static quantization as its documentation advises: pre-processed, one range a channel."""

from __future__ import annotations

from pathlib import Path

from benchmarks.peers import _float_onnx
from benchmarks.peers._base import Clock, Material, missing

TITLE = "tf2onnx, quant_pre_process, quantize_static per channel"
TRAINED = False


def unavailable() -> str | None:
    """See `PeerModule.unavailable`."""
    return missing("tensorflow", "tf_keras", "tf2onnx", "onnxruntime")


def make(material: Material, out: Path, clock: Clock) -> Path:
    """See `PeerModule.make`."""
    import tf2onnx  # noqa: F401 - imports are not conversion
    from onnxruntime.quantization import QuantType, quantize_static
    from onnxruntime.quantization.shape_inference import quant_pre_process

    from benchmarks.peers._calibration_reader import reader

    model, images = material.network(), material.calibration()
    with clock("convert"):
        floating, prepared = _float_onnx.write(model, out / "float.onnx"), out / "prepared.onnx"
        path = out / "per_channel.onnx"
        with clock("quantize"):
            quant_pre_process(str(floating), str(prepared))
            quantize_static(
                str(prepared),
                str(path),
                reader(images, "image"),
                per_channel=True,
                activation_type=QuantType.QUInt8,
                weight_type=QuantType.QInt8,
            )
    return path
