"""A SavedModel is looked at before it runs, frozen, and answers as it did; what would run code is refused."""

import hashlib
import json
import shutil

import numpy as np
import pytest

from edgetl import registry
from edgetl.errors import InputError, MissingDependency
from edgetl.recipe import Backbone, Network

FAMILY = registry.load("backbones", "hub")
PX = 32


def _section(path=None, expects="minus_one_to_one", px=PX, **network):
    given = Network(path=None if path is None else str(path), **network)
    return Backbone(name="hub", network=given, expects=expects, input_px=px)


@pytest.fixture(scope="module")
def keras():
    import edgetl.nn  # noqa: F401, I001 - sets the Keras version
    import tf_keras

    return tf_keras


@pytest.fixture
def model(keras, settled):
    layers = keras.layers
    return settled(
        keras.Sequential(
            [
                keras.Input((PX, PX, 3)),
                layers.Conv2D(6, 3, strides=2, name="first"),
                layers.BatchNormalization(),
                layers.ReLU(6.0),
                layers.Dropout(0.5),
                layers.GlobalAveragePooling2D(),
            ]
        )
    )


def _raw():
    return np.random.default_rng(0).integers(0, 256, (4, PX, PX, 3)).astype(np.float32)


@pytest.mark.parametrize("way", ["export", "save", "keras_3"])
def test_it_computes_what_the_folder_computes(way, model, keras, tmp_path):
    import tensorflow as tf

    path = str(tmp_path / "mine")
    if way == "export":
        model.export(path)
    elif way == "save":
        tf.saved_model.save(model, path)
    else:
        other = pytest.importorskip("keras")
        layers = other.layers
        model = other.Sequential([other.Input((PX, PX, 3)), layers.Conv2D(6, 3), layers.GlobalAveragePooling2D()])
        model.export(path, verbose=False)
    ours = FAMILY.build(_section(path, "zero_to_one"))
    wanted = np.asarray(model(_raw() / 255))
    found = ours((_raw() - 128) / 127.5).numpy()
    assert found.shape == (4, 1, 1, 6)
    assert np.abs(found[:, 0, 0] - wanted).max() <= 1e-5 * max(1.0, np.abs(wanted).max())
    assert ours.get_layer("extractor").weights == []


def test_a_reusable_model_without_signatures_is_used_as_it_is_at_inference(model, tmp_path):
    """As modules of TensorFlow Hub are saved: a function traced for training, whose operations are not run, and one for use."""
    import tensorflow as tf

    class Module(tf.Module):
        def __init__(self):
            super().__init__()
            self.net = model

        @tf.function
        def __call__(self, x, training=False):
            return self.net(x, training=training)

    module, spec = Module(), tf.TensorSpec((None, PX, PX, 3), tf.float32)
    module.__call__.get_concrete_function(spec, training=True)
    module.__call__.get_concrete_function(spec, training=False)
    tf.saved_model.save(module, str(tmp_path / "mine"))
    fed = (_raw() - 128) / 127.5
    found = FAMILY.build(_section(tmp_path / "mine"))(fed).numpy()[:, 0, 0]
    assert np.abs(found - model(fed).numpy()).max() <= 1e-5 * np.abs(found).max()


def test_what_would_run_code_is_refused_and_does_not_run(tmp_path):
    import tensorflow as tf

    marker = tmp_path / "written"

    class Writes(tf.Module):
        @tf.function(input_signature=[tf.TensorSpec((None, PX, PX, 3), tf.float32)])
        def __call__(self, x):
            tf.io.write_file(str(marker), "here")
            return tf.reduce_mean(x, [1, 2]) + tf.strings.to_number(tf.io.read_file(str(marker)))

    tf.saved_model.save(Writes(), str(tmp_path / "writes"))
    with pytest.raises(InputError, match=r"operations that edgetl does not run from a file: .*ReadFile.*WriteFile"):
        FAMILY.build(_section(tmp_path / "writes"))

    class Table(tf.Module):
        def __init__(self):
            super().__init__()
            keys = tf.lookup.KeyValueTensorInitializer(tf.constant([1]), tf.constant([2]))
            self.table = tf.lookup.StaticHashTable(keys, 0)

        @tf.function(input_signature=[tf.TensorSpec((None, PX, PX, 3), tf.float32)])
        def __call__(self, x):
            return tf.reduce_mean(x, [1, 2]) + tf.cast(self.table.lookup(tf.constant([1])), tf.float32)

    tf.saved_model.save(Table(), str(tmp_path / "table"))
    with pytest.raises(InputError, match="is a resource, which loading would run"):
        FAMILY.build(_section(tmp_path / "table"))
    assert not marker.exists()


def test_other_inputs_outputs_and_folders_are_refused_with_what_they_are(model, keras, tmp_path):
    import tensorflow as tf

    tf.saved_model.save(model, str(tmp_path / "mine"))
    with pytest.raises(
        InputError, match=r"takes float32 \(None, 32, 32, 3\); wanted is float32 \(None, 64, 64, 3\)\. Set backbone\.input_px: 32"
    ):
        FAMILY.build(_section(tmp_path / "mine", px=64))
    two = keras.Model(model.input, [model.output, model.get_layer("first").output])
    tf.saved_model.save(two, str(tmp_path / "two"))
    with pytest.raises(InputError, match="gives 2 tensors; wanted is one"):
        FAMILY.build(_section(tmp_path / "two"))
    (tmp_path / "empty").mkdir()
    for path, message in (("empty", r"holds no saved_model\.pb"), ("none", "no such folder")):
        with pytest.raises(InputError, match=message):
            FAMILY.build(_section(tmp_path / path))
    (tmp_path / "empty" / "saved_model.pb").write_bytes(b"\xff" * 50)
    with pytest.raises(InputError, match="is not a SavedModel"):
        FAMILY.build(_section(tmp_path / "empty"))
    shutil.copytree(tmp_path / "mine", tmp_path / "linked")
    (tmp_path / "linked" / "assets" / "passwords").symlink_to("/etc/passwd")
    with pytest.raises(InputError, match="points out of the folder"):
        FAMILY.build(_section(tmp_path / "linked"))
    graph = tf.Graph()
    with graph.as_default(), tf.compat.v1.Session(graph=graph) as session:
        x = tf.compat.v1.placeholder(tf.float32, (None, PX, PX, 3))
        tf.compat.v1.saved_model.simple_save(session, str(tmp_path / "old"), {"x": x}, {"y": x * 2})
    with pytest.raises(InputError, match="was not saved by TensorFlow 2"):
        FAMILY.build(_section(tmp_path / "old"))


def test_the_digest_is_that_of_the_graph(model, tmp_path):
    import tensorflow as tf

    tf.saved_model.save(model, str(tmp_path / "mine"))
    digest = hashlib.sha256((tmp_path / "mine" / "saved_model.pb").read_bytes()).hexdigest()
    FAMILY.build(_section(tmp_path / "mine", sha256=digest))
    with pytest.raises(InputError, match=r"backbone\.network\.sha256"):
        FAMILY.build(_section(tmp_path / "mine", sha256="0" * 64))


def test_what_is_refused_before_anything_is_read(monkeypatch):
    assert [key for key, _ in Backbone(name="hub", weights="none", alpha=0.5).faults()] == [
        "network",
        "expects",
        "alpha",
        "weights",
    ]
    assert [key for key, _ in _section(handle="https://tfhub.dev/google/x").faults()] == ["network.handle"]
    handle = "google/mobilenet-v2/tensorFlow2/035-96-feature-vector"
    assert _section(handle=handle).faults() == ()
    monkeypatch.setitem(__import__("sys").modules, "kagglehub", None)
    with pytest.raises(MissingDependency, match=r"edgetl\[hub\]"):
        FAMILY.build(_section(handle=handle))


RECIPE = """\
schema: 1
name: extracted
data: {source: builtin, name: digits}
backbone: {name: hub, network: {path: mine}, expects: zero_to_one, input_px: 32}
train: [{phase: head, freeze: all, epochs: 10, learning_rate: 1.0e-2}]
targets: [TARGETS]
benchmark: {runs: 10, warmup: 1, threads: [1]}
"""
FLOAT = [
    *(("tflite", scheme) for scheme in ("fp32", "fp16", "w8", "w8a8_dynamic")),
    *(("onnx", scheme) for scheme in ("fp32", "w8")),
    ("coreml", "fp16"),
]


def test_learning_phases_and_int8_are_refused_in_the_recipe(edgetl, tmp_path):
    text = RECIPE.replace("TARGETS", "{format: tflite, scheme: w8a8_ptq}").replace("freeze: all", "freeze: none")
    (tmp_path / "r.yaml").write_text(text)
    done = edgetl("plan", tmp_path / "r.yaml")
    assert done.returncode == 2
    assert "train[0].freeze: hub cannot learn: only freeze: all." in done.stderr
    assert "targets[0].scheme: hub is one frozen layer" in done.stderr


def test_what_is_no_extractor_of_single_images_is_refused_before_anything_is_trained(tmp_path):
    import tensorflow as tf

    spec = tf.TensorSpec((None, PX, PX, 3), tf.float32)
    for number, (function, message) in enumerate(
        (
            (lambda x: tf.reduce_mean(x, [1, 2]) - tf.reduce_mean(x), "gives an image other features beside other images"),
            (lambda x: tf.reduce_mean(x, [1, 2]) / 0.0, "gives values that are not finite"),
            (lambda x: tf.reshape(x, (-1, PX * 3)), "wanted is a vector or a feature map of fixed size for each"),
        )
    ):
        module = tf.Module()
        module.__call__ = tf.function(function, input_signature=[spec])
        path = tmp_path / str(number)
        tf.saved_model.save(module, str(path), signatures={"serving_default": module.__call__})
        with pytest.raises(InputError, match=message):
            FAMILY.build(_section(path))
    one = tf.TensorSpec((1, PX, PX, 3), tf.float32)
    module.__call__ = tf.function(lambda x: tf.reduce_mean(x, [1, 2]), input_signature=[one])
    tf.saved_model.save(module, str(tmp_path / "one"), signatures={"serving_default": module.__call__})
    with pytest.raises(InputError, match=r"takes float32 \(1, 32, 32, 3\)"):
        FAMILY.build(_section(tmp_path / "one"))


@pytest.mark.slow
def test_its_head_is_trained_and_its_float_files_agree(edgetl, keras, tmp_path):
    import tensorflow as tf
    from sklearn.datasets import load_digits

    images, labels = load_digits(return_X_y=True)
    images = tf.image.resize(np.repeat(images.reshape(-1, 8, 8, 1) / 16, 3, -1), (PX, PX))
    layers = keras.layers
    model = keras.Sequential([keras.Input((PX, PX, 3)), layers.Conv2D(64, 5, 4, activation="relu"), layers.Conv2D(128, 3, 2)])
    keras.utils.set_random_seed(0)
    whole = keras.Sequential([model, layers.GlobalMaxPooling2D(), layers.Dense(10)])
    whole.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    whole.fit(images, labels, epochs=15, verbose=0)
    tf.saved_model.save(model, str(tmp_path / "mine"))
    targets = ", ".join(f"{{format: {form}, scheme: {scheme}}}" for form, scheme in FLOAT)
    (tmp_path / "r.yaml").write_text(RECIPE.replace("TARGETS", targets))
    done = edgetl("run", tmp_path / "r.yaml", "--json", timeout=590)
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    artifacts = {(a["format"], a["scheme"]): a for a in report["artifacts"]}
    assert artifacts["tflite", "fp32"]["top1"] > 0.5
    for target in FLOAT[:-1]:
        assert artifacts[target]["agreement"] >= (0.98 if target[1] in ("fp32", "fp16") else 0.95), target
