"""A small network that knows real digits, as a run would leave it: checkpoint, converted files, report; and folders of photos."""

import hashlib
import json
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

PX = 32
NAMES = tuple("0123456789")


@pytest.fixture(scope="session")
def digits():
    """uint8 (1797, 32, 32, 3) and their classes: scikit-learn's handwritten digits, enlarged."""
    from sklearn.datasets import load_digits

    found = load_digits()
    small = np.clip(found.images * 255 / 16, 0, 255).astype(np.uint8)
    large = np.stack([np.asarray(Image.fromarray(image).resize((PX, PX), Image.Resampling.BILINEAR)) for image in small])
    return SimpleNamespace(pixels=np.repeat(large[..., None], 3, axis=3), labels=found.target)


@pytest.fixture(scope="session")
def network(digits):
    """A random convolution, and logits that logistic regression learnt on the first 900 digits: 93 % right on the others."""
    import tf_keras
    from sklearn.linear_model import LogisticRegression

    from edgetl.preprocess import normalise
    from edgetl.types import Preprocess

    layers = tf_keras.layers
    tf_keras.utils.set_random_seed(1)
    image = tf_keras.Input((PX, PX, 3), name="image")
    x = layers.ReLU(6.0)(layers.Conv2D(24, 6, strides=4, name="stem")(image))
    features = layers.Flatten(name="flat")(x)
    model = tf_keras.Model(image, layers.Dense(10, name="logits")(features))
    values = normalise(digits.pixels[:900], Preprocess(resize_px=PX, crop_px=PX))
    seen = tf_keras.Model(image, features)(values).numpy()
    learnt = LogisticRegression(max_iter=100, C=0.1).fit(seen, digits.labels[:900])
    model.get_layer("logits").set_weights([learnt.coef_.T, learnt.intercept_])
    return model


@pytest.fixture(scope="session")
def run(network, tmp_path_factory):
    """Folder of a run: float TFLite and ONNX files, one whose classes stand in another order, and the checkpoint."""
    from edgetl.converters import onnx, tflite
    from edgetl.converters._base import Source
    from edgetl.nn import frozen
    from edgetl.recipe import Target
    from edgetl.types import Preprocess, to_json

    folder = tmp_path_factory.mktemp("run")
    (folder / "artifacts").mkdir()
    preprocess = Preprocess(resize_px=PX, crop_px=PX)
    entries = []

    def add(name, format_name, scheme, checkpoint):
        source = Source(network=checkpoint, preprocess=preprocess, class_names=NAMES, calibration=None, origin=None)
        path = folder / "artifacts" / name
        {"tflite": tflite, "onnx": onnx}[format_name].convert(source, Target(format=format_name, scheme=scheme), path)
        sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
        entry = {"format": format_name, "scheme": scheme, "path": f"artifacts/{name}", "sha256": sha256, "asked": {}}
        entries.append(entry)

    (folder / "checkpoint").mkdir()
    frozen.freeze(network, PX, folder / "checkpoint" / "network.pb")
    add("good.tflite", "tflite", "fp32", folder / "checkpoint")
    add("good.onnx", "onnx", "fp32", folder / "checkpoint")
    layer = network.get_layer("logits")
    weights = layer.get_weights()
    layer.set_weights([np.roll(weights[0], 1, axis=1), np.roll(weights[1], 1)])
    (folder / "wrong").mkdir()
    frozen.freeze(network, PX, folder / "wrong" / "network.pb")
    layer.set_weights(weights)
    add("shifted.tflite", "tflite", "w8", folder / "wrong")
    gates = [("max_top1_drop", 0.01), ("min_top1", 0.85)]
    report = {
        "schema": 1,
        "recipe": {"file": "gone.yaml", "overrides": []},
        "preprocess": to_json(preprocess),
        "data": {"classes": list(NAMES)},
        "answers": {"labels_per_image": "one"},
        "artifacts": entries,
        "verdicts": [
            {"format": e["format"], "scheme": e["scheme"], "device": None, "gate": gate, "limit": limit}
            for e in entries
            for gate, limit in gates
        ],
    }
    (folder / "report.json").write_text(json.dumps(report))
    return folder


@pytest.fixture(scope="session")
def photos_of(digits, tmp_path_factory):
    """Write so many of the digits that the network has not seen as photos, one sub-folder a class."""

    def write(count):
        folder = tmp_path_factory.mktemp(f"photos{count}")
        for name in NAMES:
            (folder / name).mkdir()
        rows = np.arange(900, 1797)
        order = sorted(rows, key=lambda row: (int((digits.labels[900:row] == digits.labels[row]).sum()), digits.labels[row]))
        for row in order[:count]:
            Image.fromarray(digits.pixels[row]).save(folder / str(digits.labels[row]) / f"{row}.png")
        return folder

    return write
