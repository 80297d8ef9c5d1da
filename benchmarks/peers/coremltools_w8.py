"""Core ML with 8-bit weights (activations stay float), as coremltools' guide shows it."""

from __future__ import annotations

from pathlib import Path

from benchmarks.peers._base import Clock, Material, missing

TITLE = "coremltools, linear_quantize_weights"
TRAINED = False


def unavailable() -> str | None:
    """See `PeerModule.unavailable`."""
    return missing("tensorflow", "tf_keras", "coremltools")


def make(material: Material, out: Path, clock: Clock) -> Path:
    """See `PeerModule.make`."""
    import coremltools as ct
    import coremltools.optimize.coreml as optimize

    model = material.network()
    with clock("convert"):
        converted = ct.convert(
            model,
            source="tensorflow",
            inputs=[ct.TensorType(shape=(1, *model.input_shape[1:]))],
            convert_to="mlprogram",
            minimum_deployment_target=ct.target.iOS16,
            skip_model_load=True,
        )
        settings = optimize.OptimizationConfig(optimize.OpLinearQuantizerConfig(mode="linear_symmetric"))
        path = out / "w8.mlpackage"
        optimize.linear_quantize_weights(converted, settings).save(str(path))
    return path
