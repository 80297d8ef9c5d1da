"""Whole networks that Keras saved are made anew, flat, and answer as Keras itself answers; what cannot be is refused by name."""

import dataclasses
import json
import shutil
import zipfile

import numpy as np
import pytest

from edgetl.errors import ConversionError, InputError
from edgetl.nn.saved import adopted, endings, original, whole

PX = 32
UNIT = whole.Feed(mean=(0.0,) * 3, std=(255.0,) * 3)


def _keras(version):
    if version == 2:
        import tf_keras

        import edgetl.nn  # noqa: F401 - sets the Keras version

        return tf_keras
    return pytest.importorskip("keras")


def _shaken(keras, model):
    """Statistics of batch normalisation that let the image through, and gains no two of which are alike."""
    rng = np.random.default_rng(1)
    image = rng.integers(0, 256, (16, *model.inputs[0].shape[1:])).astype(np.float32)
    norms = [layer for layer in model._flatten_layers() if isinstance(layer, keras.layers.BatchNormalization)]
    for layer in norms:
        gamma, beta, mean, variance = layer.get_weights()
        layer.set_weights([rng.uniform(0.5, 1.5, gamma.shape), rng.uniform(-0.3, 0.3, beta.shape), mean, variance])
        layer.momentum = 0.0
    model(image, training=True)
    return model


def _nested(keras):
    layers = keras.layers
    inner = keras.Sequential([keras.Input((PX, PX, 3)), layers.Conv2D(6, 3, padding="same", use_bias=False),
                              layers.BatchNormalization(), layers.ReLU(6.0)], name="base")  # fmt: skip
    image = keras.Input((PX, PX, 3))
    x = inner(layers.Rescaling(1 / 255.0)(image), training=False)
    x = layers.Dropout(0.3)(layers.GlobalAveragePooling2D()(x))
    return keras.Model(image, layers.Dense(3, activation="softmax")(x))


def _flattened(keras):
    layers = keras.layers
    return keras.Sequential(
        [keras.Input((PX, PX, 3)), layers.Rescaling(1 / 127.5, offset=-1), layers.Conv2D(8, 3, strides=2, activation="relu"),
         layers.MaxPooling2D(), layers.Flatten(), layers.Dropout(0.5), layers.Dense(16, activation="relu"), layers.Dense(3)]
    )  # fmt: skip


def _binary(keras):
    layers = keras.layers
    return keras.Sequential(
        [keras.Input((PX, PX, 3)), layers.Rescaling(1 / 255.0), layers.Conv2D(8, 3, strides=2, activation="swish"),
         layers.GlobalMaxPooling2D(), layers.Dense(1, activation="sigmoid")]
    )  # fmt: skip


def _several(keras):
    layers = keras.layers
    image = keras.Input((PX, PX, 3))
    x = layers.Conv2D(8, 3, strides=2)(layers.Rescaling(1 / 255.0)(image))
    x = layers.ReLU()(x * 0.5 + 0.25)  # arithmetic in the middle of the network
    x = layers.Dense(4)(layers.AveragePooling2D(15)(x))
    return keras.Model(image, layers.Activation("sigmoid")(layers.Flatten()(x)))


def _mobilenet_v3(keras):
    return keras.applications.MobileNetV3Small(input_shape=(PX, PX, 3), weights=None, classes=5)


@pytest.mark.parametrize("version", [2, 3])
@pytest.mark.parametrize(
    ("make", "answers", "classes", "mean", "std"),
    [
        (_nested, "softmax", 3, 0.0, 255.0),
        (_flattened, "logits", 3, 127.5, 127.5),
        (_binary, "sigmoid", 2, 0.0, 255.0),
        (_several, "sigmoid", 4, 0.0, 255.0),
        (_mobilenet_v3, "softmax", 5, 127.5, 127.5),
    ],
)
def test_it_answers_as_keras_itself_does(version, make, answers, classes, mean, std, tmp_path):
    keras = _keras(version)
    path = tmp_path / ("mine.h5" if version == 2 else "mine.keras")
    _shaken(keras, make(keras)).save(path)
    made = adopted.open_network(path, None, None)
    assert (made.answers, made.classes, made.preprocess.mean, made.preprocess.std) == (answers, classes, mean, std)
    pixels = np.random.default_rng(0).integers(0, 256, (12, PX, PX, 3), np.uint8)
    proof = adopted.prove(made, pixels, path.name)
    assert proof.original.startswith("tf_keras" if version == 2 else "keras 3")
    assert proof.max_abs_err <= 1e-4  # far below what any change of a layer makes; `prove` insisted on what rounding makes
    assert np.ptp(proof.logits, axis=0).max() > 1e-3, "the network does not see the image"
    kinds = [type(layer).__name__ for layer in made.network.layers]
    assert not {"Functional", "Sequential", "TFOpLambda", "Dense", "Rescaling", "Dropout"} & set(kinds)
    if make is _mobilenet_v3:  # its operations are layers again: none became a convolution of its own
        assert (kinds.count("HardSwish"), kinds.count("DepthwiseConv2D")) == (19, 11)


def test_a_network_that_is_not_the_files_is_caught(tmp_path):
    keras = _keras(3)
    _shaken(keras, _nested(keras)).save(tmp_path / "mine.keras")
    made = adopted.open_network(tmp_path / "mine.keras", None, None)
    kernel, *rest = made.network.layers[1].get_weights()
    kernel[0, 0, 0, 0] += 0.05
    made.network.layers[1].set_weights([kernel, *rest])
    with pytest.raises(ConversionError, match=r"mine\.keras: could not be made anew"):
        adopted.prove(made, np.random.default_rng(0).integers(0, 256, (4, PX, PX, 3), np.uint8), "mine.keras")


def test_the_resnet_of_mlperf_tiny(material):
    path = material / "models/mlperf-tiny/image_classification/pretrainedResnet.h5"
    with pytest.raises(InputError, match=r"pretrainedResnet\.h5: does not say how pixels become its input\. Say it: --range"):
        adopted.open_network(path, None, None)
    made = adopted.open_network(path, None, whole.BYTES)
    proof = adopted.prove(made, np.random.default_rng(0).integers(0, 256, (16, 32, 32, 3), np.uint8), path.name)
    assert proof.max_abs_err <= 1e-4  # far below what any change of a layer makes; `prove` insisted on what rounding makes
    assert (made.preprocess.mean, made.preprocess.std, made.classes) == (0.0, 1.0, 10)


def _bare(keras, *layers):
    return keras.Sequential(
        [keras.Input((PX, PX, 3)), *layers, keras.layers.Conv2D(4, 3, padding="same"), keras.layers.GlobalAveragePooling2D(),
         keras.layers.Dense(3, activation="softmax")]
    )  # fmt: skip


def test_how_it_is_fed_is_asked_and_never_guessed(tmp_path):
    keras = _keras(3)
    layers = keras.layers
    path = tmp_path / "mine.keras"

    def plan(model, feed=None):
        model.save(path)
        return whole.plan(path, None, feed)

    with pytest.raises(InputError, match="does not say how pixels become its input"):
        plan(_bare(keras))
    small = layers.Normalization(mean=[0.45, 0.45, 0.45], variance=[0.05, 0.05, 0.05])  # of 0 to 1, not of bytes
    with pytest.raises(InputError, match="fed with bytes, its first layer would see -2.012 to 1138"):
        plan(_bare(keras, small))
    fed = plan(_bare(keras, small), UNIT)
    assert fed.preprocess.mean == pytest.approx(0.45 * 255)
    assert fed.preprocess.std == pytest.approx(255 * 0.05**0.5)
    assert not fed.normalised
    each = plan(_bare(keras, layers.Normalization(mean=[120.0, 110.0, 100.0], variance=[3600.0, 3600.0, 2500.0])))
    assert each.normalised
    assert (each.preprocess.mean, each.preprocess.std) == (128.0, 127.5)
    path_px = np.random.default_rng(0).integers(0, 256, (4, PX, PX, 3), np.uint8)
    assert adopted.prove(adopted.open_network(path, None, None), path_px, "mine.keras").max_abs_err <= 1e-5
    twice = plan(_bare(keras, layers.Rescaling(1 / 255.0)), UNIT)
    assert any("its first layer sees 0 to 0.003922 only" in note for note in twice.notes)


def test_the_size_of_the_input(tmp_path):
    keras = _keras(3)
    layers = keras.layers
    model = keras.Sequential(
        [keras.Input((None, None, 3)), layers.Conv2D(4, 3), layers.GlobalAveragePooling2D(), layers.Dense(2)]
    )
    model.save(tmp_path / "open.keras")
    with pytest.raises(InputError, match="leaves the size of its input open. Say it: --px 224"):
        whole.plan(tmp_path / "open.keras", None, UNIT)
    assert whole.plan(tmp_path / "open.keras", 48, UNIT).px == 48
    _bare(keras).save(tmp_path / "mine.keras")
    with pytest.raises(InputError, match="takes images of 32 px, --px says 64"):
        whole.plan(tmp_path / "mine.keras", 64, UNIT)


def test_what_is_no_classifier_of_one_image_is_refused_with_the_reason(tmp_path):
    keras = _keras(3)
    layers = keras.layers
    image, other = keras.Input((PX, PX, 3)), keras.Input((4,))
    x = layers.GlobalAveragePooling2D()(layers.Conv2D(4, 3)(image))

    class Code(keras.Model):
        def __init__(self):
            super().__init__()
            self.layer = layers.Dense(3)

        def call(self, x):
            return self.layer(x)

    code = Code()
    code(np.zeros((1, 4), np.float32))
    lambda_ = layers.Lambda(lambda v: v * 2, name="code")
    cases = {
        "several outputs": keras.Model(image, [layers.Dense(3)(x), layers.Dense(2)(x)]),
        r"several outputs and 2 inputs \(": keras.Model([image, other], [layers.Dense(3)(x), layers.Dense(2)(other)]),
        "has 2 inputs": keras.Model([image, other], layers.Dense(3)(layers.Concatenate()([x, other]))),
        "gives one value without a sigmoid": keras.Model(image, layers.Dense(1)(x)),
        "of class Code, which is code": code,
        r"code \(Lambda\): it is code; write it as layers": keras.Model(image, layers.Dense(3)(lambda_(x))),
        r"leaky \(LeakyReLU\): edgetl does not know this class; write it": keras.Model(image, layers.LeakyReLU(name="leaky")(x)),
        "two activations": keras.Model(image, layers.Softmax()(layers.Softmax()(layers.Dense(3)(x)))),
    }
    for message, model in cases.items():
        model.save(tmp_path / "mine.keras")
        with pytest.raises(InputError, match=message):
            whole.plan(tmp_path / "mine.keras", None, UNIT)
    keras.Model(image, layers.Conv2D(4, 3)(image)).save(tmp_path / "map.keras")
    with pytest.raises(InputError, match=r"map\.keras: gives \(30, 30, 4\) for an image"):
        adopted.open_network(tmp_path / "map.keras", None, UNIT)


def test_half_precision_and_weights_that_are_no_numbers_are_named(tmp_path):
    keras = _keras(3)
    layers = keras.layers
    image = keras.Input((PX, PX, 3))
    x = layers.GlobalAveragePooling2D()(layers.Conv2D(4, 3, dtype="mixed_float16")(image))
    keras.Model(image, layers.Dense(3)(x)).save(tmp_path / "mixed.keras")
    with pytest.raises(InputError, match=r"mixed\.keras: computes in mixed_float16"):
        whole.plan(tmp_path / "mixed.keras", None, UNIT)
    x = layers.GlobalAveragePooling2D()(
        layers.Conv2D(4, 3, name="first", bias_initializer=keras.initializers.Constant(np.nan))(image)
    )
    keras.Model(image, layers.Dense(3)(x)).save(tmp_path / "nan.keras")
    with pytest.raises(InputError, match=r"^nan\.keras: holds weights that are not finite \(NaN or infinite\), in first\."):
        whole.plan(tmp_path / "nan.keras", None, UNIT)


def test_softmax_of_two_halves_is_one_sigmoid():
    weights = np.random.default_rng(0).normal(0, 1, (5, 1)).astype(np.float32), np.array([0.3], np.float32)
    node = _Node(name="last", kind="Dense", config={"units": 1, "activation": "linear"})
    (made,), arrays = endings.as_two_classes([node], {"last": list(weights)})
    assert made.config["units"] == 2
    x = np.random.default_rng(1).normal(0, 1, (7, 5))
    one = x @ weights[0] + weights[1]
    two = x @ arrays["last"][0] + arrays["last"][1]
    odds = np.exp(two[:, 1]) / np.exp(two).sum(1)
    assert np.allclose(odds, 1 / (1 + np.exp(-one[:, 0])), atol=1e-6)


@dataclasses.dataclass(frozen=True)
class _Node:
    name: str
    kind: str
    config: dict
    inputs: tuple = ("x",)


def _rewritten(path, change):
    """Change a `.keras` file's configuration."""
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    config = json.loads(members["config.json"])
    change(config)
    members["config.json"] = json.dumps(config).encode()
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)


def test_keras_is_never_given_a_file_that_names_foreign_objects(tmp_path):
    keras = _keras(3)
    path = tmp_path / "mine.keras"
    _bare(keras).save(path)
    goal = tmp_path / "was_here"

    def plant(config):
        (layer,) = (entry for entry in config["config"]["layers"] if entry["class_name"] == "Conv2D")
        layer["config"]["kernel_initializer"] = {
            "module": "os", "class_name": "system", "config": f"touch {goal}", "registered_name": None,
        }  # fmt: skip

    _rewritten(path, plant)
    made = adopted.open_network(path, None, UNIT)
    pixels = np.zeros((2, PX, PX, 3), np.uint8)
    with pytest.raises(ValueError, match="it names os.system, which is not on the list"):
        original.answers(path, [UNIT.of(pixels)])
    proof = adopted.prove(made, pixels, path.name)
    assert proof.max_abs_err is None
    assert "os.system" in proof.original
    assert not goal.exists()


def test_an_archive_with_more_in_it_is_not_given_to_keras(tmp_path):
    path = tmp_path / "mine.keras"
    _bare(_keras(3)).save(path)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("assets/../../escape", b"x")
    with pytest.raises(ValueError, match="more than a configuration and weights"):
        original.answers(path, [np.zeros((1, PX, PX, 3), np.float32)])


@pytest.mark.parametrize("suffix", [".keras", ".h5"])
def test_damaged_files_are_refused_plainly(suffix, tmp_path):
    path = tmp_path / f"mine{suffix}"
    _bare(_keras(3)).save(path)
    data, rng = path.read_bytes(), np.random.default_rng(0)
    spoiled = [data[: len(data) * part // 8] for part in range(8)]
    for _ in range(24):
        flipped = bytearray(data)
        for place in rng.integers(0, len(data), 4):
            flipped[place] ^= 1 << int(rng.integers(8))
        spoiled.append(bytes(flipped))
    refused = 0
    for bad in spoiled:
        path.write_bytes(bad)
        try:
            adopted.open_network(path, None, UNIT)
        except InputError as error:
            refused += 1
            assert str(error).startswith("mine"), error
    assert refused >= 8  # a flipped bit of a weight is a weight


def test_bombs_are_refused_before_they_unpack(tmp_path):
    path = tmp_path / "mine.keras"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("config.json", b"[" * 70_000_000)
    with pytest.raises(InputError, match="unpacks to more than 64000000 bytes"):
        whole.plan(path, None, UNIT)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("config.json", b"[" * 1_000_000)
    with pytest.raises(InputError, match=r"mine\.keras: is not a network saved by Keras"):
        whole.plan(path, None, UNIT)
    shutil.rmtree(tmp_path)
