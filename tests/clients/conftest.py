"""A small network that tells photos apart in every class, and its files as a run makes them."""

import itertools
from types import SimpleNamespace

import numpy as np
import pytest

PX = 32
CLASSES = ("red, bright", "Äpfel", "c", "d", "e", "f")


@pytest.fixture(scope="session")
def classifier(tmp_path_factory):
    """A float and a fake-quantized network, 100 photos of one input's size, and `make(format/scheme, **options)`."""
    import tf_keras

    from edgetl import registry
    from edgetl.converters._base import Source, Words
    from edgetl.nn import fake_quant, frozen
    from edgetl.preprocess import normalise
    from edgetl.recipe import Target
    from edgetl.types import Preprocess

    tf_keras.utils.set_random_seed(3)
    rng = np.random.default_rng(3)
    layers = tf_keras.layers
    x = image = layers.Input((PX, PX, 3), name="image")
    for number, (width, stride) in enumerate(((16, 2), (24, 2), (32, 1))):
        x = layers.Conv2D(width, 3, strides=stride, padding="same", use_bias=False, name=f"conv_{number}")(x)
        x = layers.BatchNormalization(name=f"norm_{number}")(x)
        x = layers.ReLU(6.0, name=f"relu_{number}")(x)
    x = layers.GlobalAveragePooling2D(name="pool")(x)
    network = tf_keras.Model(image, layers.Dense(len(CLASSES), name="logits")(x))
    colours = rng.integers(0, 256, (100, 1, 1, 3)) + rng.normal(0, 50, (100, PX, PX, 3))
    pixels = np.clip(colours, 0, 255).astype(np.uint8)
    spec = Preprocess(resize_px=PX, crop_px=PX)
    for layer in network.layers:
        if isinstance(layer, layers.BatchNormalization):
            layer.momentum = 0.0
    values = normalise(pixels, spec)
    network(values, training=True)
    for layer in network.layers:
        if isinstance(layer, layers.BatchNormalization):
            layer.momentum = 0.99
    logits = network(values, training=False).numpy()
    kernel, _ = network.get_layer("logits").get_weights()
    scale = 3.0 / logits.std(axis=0)
    network.get_layer("logits").set_weights([kernel * scale, -logits.mean(axis=0) * scale])
    quantized = fake_quant.quantize_model(network, spec.input_range)
    fake_quant.calibrate(quantized, network, [values[:50]])
    folder, done, numbers = tmp_path_factory.mktemp("classifier"), {}, itertools.count()
    for name, model in (("float", network), ("quantized", quantized)):
        (folder / name).mkdir()
        frozen.freeze(model, PX, folder / name / frozen.NETWORK)
    words = Words(title="Fruit", description="Tells fruit apart.", version="1.4.0", author="A. Grower", licence="Apache-2.0")

    def make(name, again="", scores=None, **options):
        key = (name, again, scores, *sorted(options.items()))
        if key not in done:
            form, _, scheme = name.partition("/")
            converter = registry.load("converters", form)
            source = Source(
                network=folder / ("quantized" if scheme.startswith("w8a8_p") else "float"), preprocess=spec, class_names=CLASSES,
                calibration=lambda: iter(values[:20, None]), words=words, scores=scores,
                origin=make(f"tflite/{scheme}").path if scheme in converter.ORIGIN else None,
            )  # fmt: skip
            path = folder / f"{next(numbers)}" / f"net{converter.SUFFIX}"
            path.parent.mkdir()
            target = Target(format=form, scheme=scheme, **options)
            assert target.faults() == ()
            done[key] = SimpleNamespace(path=path, target=target, converted=converter.convert(source, target, path), source=source)
        return done[key]

    def answers(path):
        runtime = {".tflite": "litert", ".onnx": "onnxruntime", ".ort": "onnxruntime"}[path.suffix]
        session, found = registry.load("runtimes", runtime).open(path, 1, spec, CLASSES), []
        for one in pixels:
            session.set_input(one)
            session.invoke()
            found.append(np.array(session.output()))
        return np.array(found)

    wanted = np.exp(network(values, training=False).numpy())
    wanted /= wanted.sum(axis=1, keepdims=True)
    assert len(set(wanted.argmax(axis=1))) == len(CLASSES), "every class is answered"
    return SimpleNamespace(make=make, answers=answers, pixels=pixels, wanted=wanted, names=CLASSES, px=PX, spec=spec)
