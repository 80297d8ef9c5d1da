"""A small network, and what a scheme with a constraint makes of it: a trained, converted, read-back file."""

from types import SimpleNamespace

import numpy as np
import pytest

PX = 16


def _network():
    import tf_keras

    layers = tf_keras.layers
    tf_keras.utils.set_random_seed(0)
    image = tf_keras.Input((PX, PX, 3), name="image")
    x = layers.Conv2D(32, 3, strides=2, use_bias=False, name="stem")(image)
    x = layers.ReLU(6.0, name="stem_relu")(layers.BatchNormalization(name="stem_bn")(x))
    x = layers.DepthwiseConv2D(3, use_bias=False, name="depthwise")(x)
    x = layers.ReLU(6.0, name="depthwise_relu")(layers.BatchNormalization(name="depthwise_bn")(x))
    x = layers.Conv2D(126, 1, use_bias=False, name="wide")(x)
    x = layers.ReLU(6.0, name="wide_relu")(layers.BatchNormalization(name="wide_bn")(x))
    x = layers.Conv2D(64, 1, use_bias=False, name="odd")(x)
    x = layers.ReLU(6.0, name="odd_relu")(layers.BatchNormalization(name="odd_bn")(x))
    x = layers.GlobalAveragePooling2D(name="pool")(x)
    x = layers.Dense(96, activation="relu", name="head_1")(x)
    model = tf_keras.Model(image, layers.Dense(4, name="logits")(x))
    rng = np.random.default_rng(1)
    for layer in model.layers:
        if isinstance(layer, layers.BatchNormalization):
            count = layer.gamma.shape[0]
            layer.set_weights([rng.uniform(0.5, 2, count), rng.normal(0, 1, count), rng.normal(0, 1, count), np.ones(count)])
    return model


@pytest.fixture(scope="session")
def make(tmp_path_factory):
    """Train a scheme for two short epochs and convert it; each (format, scheme) once."""
    import tensorflow as tf

    from edgetl import registry
    from edgetl.converters._base import Source
    from edgetl.grid import reader, sparsity
    from edgetl.nn import constraints, fake_quant, frozen, inference, supervised, training
    from edgetl.nn.batches import Examples
    from edgetl.preprocess import normalise
    from edgetl.recipe import Phase, Target
    from edgetl.stages.convert import measure
    from edgetl.types import Preprocess

    folder = tmp_path_factory.mktemp("schemes")
    spec = Preprocess(resize_px=PX, crop_px=PX)
    rng = np.random.default_rng(0)
    images = inference.Images(pixels=rng.integers(0, 256, (64, PX, PX, 3), np.uint8), labels=rng.integers(0, 4, 64))
    trained, made = {}, {}

    def train(scheme):
        module = registry.load("schemes", scheme)
        network = _network()
        model = training.freeze_statistics(network)
        if hasattr(module, "wrap"):
            model = module.wrap(network, spec.input_range)
            fake_quant.calibrate(model, network, [normalise(images.pixels, spec)])
        if module.NEEDS != "training":
            return model, ()
        constraint = module.constraint() if hasattr(module, "constraint") else None
        left = constraint.settle(constraints.kernels(model)) if constraint else ()
        phase = Phase(phase="quantize", epochs=2, learning_rate=1e-3, batch_size=16)
        examples = Examples(inputs=images.pixels, labels=images.labels)
        starts = [lambda: supervised.on_images(model, phase, examples, images, spec, constraint=constraint)]
        silent = {"seed": 0, "checkpoint": folder / f"{scheme}.npz", "progress": lambda event: None}
        training.train(model, starts, **silent)
        if hasattr(module, "wrap"):
            fake_quant.settle(model, normalise(images.pixels, spec))
        return model, left

    def convert(target):
        form, _, scheme = target.partition("/")
        if target in made:
            return made[target]
        if scheme not in trained:
            trained[scheme] = train(scheme)
        model, left = trained[scheme]
        converter = registry.load("converters", form)
        origin = convert(f"{converter.ORIGIN[scheme]}/{scheme}").path if scheme in converter.ORIGIN else None
        network = folder / f"{scheme}.network"
        network.mkdir(exist_ok=True)
        frozen.freeze(model, PX, network / frozen.NETWORK)
        source = Source(
            network=network,
            preprocess=spec,
            class_names=("a", "b", "c", "d"),
            calibration=lambda: (normalise(images.pixels[i : i + 1], spec) for i in range(64)),
            origin=origin,
        )
        path = folder / f"{scheme}{converter.SUFFIX}"
        converted = converter.convert(source, Target(format=form, scheme=scheme), path)
        kernels = sparsity.kernels(reader.read(path.read_bytes())) if form == "tflite" else {}
        _, size, delivered = measure(path)
        probabilities = tf.nn.softmax(inference.predict(model, images.pixels, spec)).numpy()
        made[target] = SimpleNamespace(
            path=path, notes=converted.notes, kernels=kernels, left=left, size=size, delivered=delivered,
            converted=converted, pixels=images.pixels, probabilities=probabilities, spec=spec,
        )  # fmt: skip
        return made[target]

    return convert


@pytest.fixture(scope="session")
def answers():
    """Run a file of `make` in its runtime; float32 (64, 4)."""
    from edgetl import registry

    def run(made):
        runtime = {".tflite": "litert", ".onnx": "onnxruntime"}[made.path.suffix]
        session = registry.load("runtimes", runtime).open(made.path, 1, made.spec, ("a", "b", "c", "d"))
        found = []
        for pixels in made.pixels:
            session.set_input(pixels)
            session.invoke()
            found.append(session.output().copy())
        session.close()
        return np.array(found)

    return run
