"""What the tests of families with published weights share: Keras' network with nothing at its neutral value, and its files."""

import dataclasses
import json

import numpy as np
import pytest

DIGITS = """\
schema: 1
name: digits
data: {source: builtin, name: digits}
backbone: {name: NAME, MEMBERinput_px: PX, weights: none}
train:
  - {phase: only, freeze: none, epochs: EPOCHS, learning_rate: RATE, batch_norm: update}
quantize: {scheme: w8a8_ptq}
targets: [{format: tflite, scheme: w8a8_ptq}, {format: onnx, scheme: w8a8_ptq}, {format: coreml, scheme: w8a8_ptq}]
benchmark: {runs: 10, warmup: 1, threads: [1]}
"""


@pytest.fixture
def settled():
    """Give a Keras network weights of which no two are alike, and statistics that are not zero and one."""

    def settle(model, seed=0):
        import tf_keras

        rng = np.random.default_rng(seed)
        for layer in model.layers:
            if isinstance(layer, tf_keras.layers.BatchNormalization):
                limits = {"gamma": (0.5, 1.0), "beta": (-0.5, 0.5), "moving_mean": (-0.5, 0.5), "moving_variance": (0.5, 1.5)}
                for name, pair in limits.items():
                    if getattr(layer, name) is not None:
                        getattr(layer, name).assign(rng.uniform(*pair, layer.moving_mean.shape))
            elif getattr(layer, "bias", None) is not None:
                layer.bias.assign(rng.uniform(-0.5, 0.5, layer.bias.shape))
        return model

    return settle


@pytest.fixture
def load():
    """Load a file into a network by the recipe's `weights: {path: …}`."""

    def put(model, section, path):
        from edgetl.nn.weights import load_backbone_weights
        from edgetl.recipe import WeightsFile

        return load_backbone_weights(model, dataclasses.replace(section, weights=WeightsFile(path=str(path))))

    return put


@pytest.fixture
def difference():
    """Largest difference of two feature maps on random bytes, each network with its own normalisation, over the largest value."""

    def measure(ours, theirs, preprocess_input, px, seed=5):
        from edgetl.preprocess import normalise
        from edgetl.types import Preprocess

        pixels = np.random.default_rng(seed).integers(0, 256, (2, px, px, 3)).astype(np.uint8)
        found = ours(normalise(pixels, Preprocess(resize_px=px, crop_px=px))).numpy()
        wanted = theirs(preprocess_input(pixels.astype(np.float32))).numpy()
        assert found.shape == wanted.shape
        assert float(wanted.std()) > 0.0
        return float(np.abs(found - wanted).max() / np.abs(wanted).max())

    return measure


@pytest.fixture
def proved(settled, load, difference, tmp_path):
    """Save Keras' network with and without top, load both files into ours, compare; returns the differences, ours and Keras'."""

    def prove(section, make, preprocess_input, *, bare=("w.h5",), topped=True):
        from edgetl import registry

        family, px = registry.load("backbones", section.name), section.input_px
        theirs = settled(make(include_top=False, weights=None, input_shape=(px, px, 3)))
        found = {}
        for name in bare:
            path = tmp_path / f"bare_{name}"
            (theirs.save if name.endswith(".keras") else theirs.save_weights)(path)
            ours = family.build(section)
            load(ours, section, path)
            found[name] = difference(ours, theirs, preprocess_input, px)
        if topped:
            whole = settled(make(include_top=True, weights=None, input_shape=(px, px, 3), classes=10), seed=1)
            whole.save_weights(tmp_path / "topped.h5")
            again = family.build(section)
            load(again, section, tmp_path / "topped.h5")
            last = [layer for layer in whole.layers if len(layer.output.shape) == 4][-1]
            import tf_keras

            found["topped.h5"] = difference(again, tf_keras.Model(whole.input, last.output), preprocess_input, px)
        return found, ours, theirs

    return prove


@pytest.fixture
def int8_of_digits(edgetl, tmp_path):
    """Train a member of a family on the built-in digits, from random weights, and make its int8 files; returns the artifacts."""

    def run(name, px, epochs, rate=2e-3, **options):
        member = "".join(f"{key}: {json.dumps(value)}, " for key, value in options.items())
        recipe = DIGITS.replace("weights: none", "weights: imagenet") if "network" in options else DIGITS
        words = {"NAME": name, "MEMBER": member, "PX": str(px), "EPOCHS": str(epochs), "RATE": str(rate)}
        for word, value in words.items():
            recipe = recipe.replace(word, value)
        (tmp_path / "digits.yaml").write_text(recipe)
        done = edgetl("run", tmp_path / "digits.yaml", "--json", timeout=1700)
        assert done.returncode == 0, done.stderr
        report = json.loads(done.stdout)
        return {artifact["format"]: artifact for artifact in report["artifacts"]}

    return run
