"""Layers that stay in float: the same ones in every format, with the same answers, and nothing else."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from edgetl.grid import mil_reference

KEPT = {
    "a convolution": ("proj",),
    "the first": ("stem",),
    "a depthwise one behind a padding": ("dw",),
    "a hard-swish and an addition": ("swish", "add"),
    "a gate and its product": ("excite", "scale"),
    "the head": ("dense", "logits"),
    "a chain over a padding": ("stem", "dw", "proj"),
    "means": ("pool", "mean", "both"),
}


@pytest.fixture(scope="module")
def make(network, images, preprocess, tmp_path_factory):
    """Quantize the network with some layers in float and write it in three formats."""
    from edgetl import registry
    from edgetl.converters._base import Source
    from edgetl.grid import reader
    from edgetl.nn import fake_quant, frozen
    from edgetl.preprocess import normalise
    from edgetl.recipe import Target

    quantized = fake_quant.quantize_model(network, preprocess.input_range)
    start, made = quantized.get_weights(), {}

    def build(keep, *formats):
        if keep not in made:
            folder = tmp_path_factory.mktemp("float")
            quantized.set_weights(start)
            part = fake_quant.keep(quantized, network, keep)
            ranges = fake_quant.calibrate(quantized, network, [normalise(images, preprocess)], keep_float=keep)
            logits = quantized(normalise(images, preprocess)).numpy()
            frozen.freeze(quantized, 32, folder / frozen.NETWORK)
            source = Source(
                network=folder, preprocess=preprocess, class_names=("a", "b", "c", "d", "e"), calibration=None, origin=None,
                keep_float=tuple(sorted(part.layers)),
            )  # fmt: skip
            made[keep] = SimpleNamespace(part=part, ranges=ranges, logits=logits, source=source, paths={}, converted={})
        entry = made[keep]
        for form in ("tflite", *formats):
            if form not in entry.paths:
                converter = registry.load("converters", form)
                path = entry.source.network / f"net{converter.SUFFIX}"
                source = entry.source if form == "tflite" else replace(entry.source, origin=entry.paths["tflite"])
                entry.converted[form] = converter.convert(source, Target(format=form, scheme="w8a8_ptq"), path)
                entry.paths[form] = path
        entry.graph = reader.read(entry.paths["tflite"].read_bytes())
        return entry

    return build


@pytest.mark.parametrize("keep", KEPT.values(), ids=KEPT)
def test_the_files_agree_and_only_these_layers_are_float(make, keep, answers, images):
    entry = make(keep, "onnx", "coreml")
    weighted = {"stem", "dw", "proj", "other", "excite", "dense", "logits"} & set(keep)
    assert len(entry.graph.float_layers()) == len(weighted)
    assert not any("float_border" in tensor.name for tensor in entry.graph.tensors)
    assert not any(operator.kind == "FLOOR" for operator in entry.graph.operators)
    tflite, onnx = answers(entry.paths["tflite"]), answers(entry.paths["onnx"])
    assert np.mean(tflite == onnx) >= 0.99, "sums in another order may now and then round to another integer"
    core_ml = mil_reference.open_package(entry.paths["coreml"], arithmetic="float32")
    few = np.array([core_ml.run(pixels) for pixels in images[:16]])
    print(np.abs(few - tflite[:16]).max(), np.abs(few - tflite[:16]).mean())
    assert (few.argmax(1) == tflite[:16].argmax(1)).mean() >= 0.9
    simulated = np.exp(entry.logits) / np.exp(entry.logits).sum(1, keepdims=True)
    assert np.abs(tflite - simulated).mean() < 0.025
    total = sum(map(entry.graph.macs, entry.graph.operators))
    kept = [o for i, o in enumerate(entry.graph.operators) if entry.graph.stem(i) in entry.graph.float_layers()]
    share = 1.0 - sum(map(entry.graph.macs, kept)) / total
    assert {round(c.int8_mac_share, 9) for c in entry.converted.values()} == {round(share, 9)}
