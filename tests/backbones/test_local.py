"""Networks that Keras 2 and Keras 3 saved are made anew from data alone, and answer as they did."""

import hashlib
import io
import json
import zipfile

import h5py
import numpy as np
import pytest

from edgetl import registry
from edgetl.errors import InputError
from edgetl.recipe import Backbone, Network

FAMILY = registry.load("backbones", "local")
PX = 32


def _section(path, expects="minus_one_to_one", **changes):
    network = Network(path=str(path), sha256=changes.pop("sha256", None))
    return Backbone(name="local", network=network, expects=expects, input_px=changes.pop("input_px", PX), **changes)


def _keras(version):
    if version == 2:
        import tf_keras

        import edgetl.nn  # noqa: F401 - sets the Keras version

        return tf_keras
    return pytest.importorskip("keras")


def _shake(model):
    """Give every weight a value that shows, so that no two layers could be taken for one another."""
    rng = np.random.default_rng(1)
    model.set_weights(
        [np.abs(rng.normal(0.3, 0.2, w.shape)) if w.ndim == 1 else rng.normal(0, 0.2, w.shape) for w in model.get_weights()]
    )


def _pixels(expects, px=PX):
    """The same photos in edgetl's form and in that of the network."""
    raw = np.random.default_rng(0).integers(0, 256, (4, px, px, 3)).astype(np.float32)
    own = {
        "minus_one_to_one": (raw - 128) / 127.5,
        "zero_to_one": raw / 255,
        "bytes": raw,
        "caffe": raw[..., ::-1] - np.array([103.939, 116.779, 123.68], np.float32),
        "torch": (raw / 255 - np.array([0.485, 0.456, 0.406])) / np.array([0.229, 0.224, 0.225]),
    }[expects]
    return (raw - 128) / 127.5, own.astype(np.float32)


def _network(keras, separator="/"):
    """A little of everything that is known, a network within the network, a classifier at the end."""
    layers = keras.layers
    inner = keras.Sequential(
        [
            keras.Input((PX, PX, 3)),
            layers.Conv2D(4, 3, name="first"),
            layers.BatchNormalization(name="norm"),
            layers.ReLU(6.0),
            layers.SeparableConv2D(6, 3, padding="same", activation="relu", name=f"block{separator}separable"),
            layers.Dropout(0.5),
        ],
        name="base",
    )
    inner.trainable = False
    image = keras.Input((PX, PX, 3))
    x = layers.RandomFlip()(image)
    x = layers.Rescaling(1 / 127.5, offset=-1.0)(x)
    x = inner(x, training=False)
    x = layers.ZeroPadding2D(((0, 1), (1, 0)))(x)
    x = layers.DepthwiseConv2D(3, strides=2, activation="swish")(x)
    gate = layers.GlobalAveragePooling2D()(x)
    gate = layers.Reshape((1, 1, 6))(gate)
    gate = layers.Conv2D(3, 1, activation="relu")(gate)
    gate = layers.Dense(6, activation="sigmoid")(gate)
    x = layers.Multiply()([x, gate])
    y = layers.Conv2D(6, 1, activation="relu6", name="side")(x)
    x = layers.Add(name="sum")([x, y])
    x = layers.Concatenate(name="both")([layers.MaxPooling2D(2)(x), layers.AveragePooling2D(2)(x)])
    feature_map = layers.Activation("relu", name="logits")(x)  # a name that edgetl's own head has
    x = layers.GlobalAveragePooling2D(name="gap")(feature_map)
    return keras.Model(image, layers.Dense(3, activation="softmax")(x)), feature_map


@pytest.mark.parametrize("suffix", [".h5", ".keras"])
@pytest.mark.parametrize("version", [2, 3])
def test_it_computes_what_the_saved_network_computes(version, suffix, tmp_path):
    keras = _keras(version)
    model, feature_map = _network(keras, "/" if version == 2 else "_")
    _shake(model)
    model.save(tmp_path / f"mine{suffix}")
    section = _section(tmp_path / f"mine{suffix}", "bytes")
    assert FAMILY.faults(section) == ()
    ours = FAMILY.build(section)
    fed, own = _pixels("bytes")
    wanted = keras.Model(model.input, feature_map).predict(own, verbose=0)
    assert np.abs(wanted).max() > 0.1
    assert np.abs(ours.predict(fed, verbose=0) - wanted).max() <= 1e-4
    names = [layer.name for layer in ours.layers]
    assert names[1] == "normalise"
    assert names[-1] == "backbone_logits"
    assert not {"Sequential", "Functional", "SeparableConv2D", "Dense", "Rescaling"} & {type(x).__name__ for x in ours.layers}
    assert set(FAMILY.layer_names(section)) < set(names)


@pytest.mark.parametrize("version", [2, 3])
def test_cutting_at_a_layer_and_at_what_is_left_out(version, tmp_path):
    keras = _keras(version)
    model, _ = _network(keras, "_")
    model.save(tmp_path / "mine.keras")
    for cut, last in ((None, "backbone_logits"), ("sum", "sum"), ("gap", "backbone_logits"), ("norm", "norm"), ("side", None)):
        ours = FAMILY.build(_section(tmp_path / "mine.keras", "bytes", cut_at=cut))
        assert ours.layers[-1].name == (last or "side_activation")
    section = _section(tmp_path / "mine.keras", "bytes", cut_at="sumn")
    ((key, what),) = FAMILY.faults(section)
    assert key == "network.path"
    assert "no layer named 'sumn'" in what
    assert "sum" in what


@pytest.mark.parametrize(("version", "name"), [(2, "MobileNet"), (3, "MobileNet"), (2, "EfficientNetB0"), (3, "EfficientNetB0")])
def test_whole_networks_of_keras_applications(version, name, tmp_path):
    keras = _keras(version)
    options = {"alpha": 0.25} if name == "MobileNet" else {}
    model = getattr(keras.applications, name)(input_shape=(64, 64, 3), weights=None, classes=7, **options)
    model.save(tmp_path / "mine.h5")
    expects = "minus_one_to_one" if name == "MobileNet" else "bytes"
    ours = FAMILY.build(_section(tmp_path / "mine.h5", expects, input_px=64))
    last = "conv_pw_13_relu" if name == "MobileNet" else "top_activation"
    fed, own = _pixels(expects, 64)
    wanted = keras.Model(model.input, model.get_layer(last).output).predict(own, verbose=0)
    assert np.abs(ours.predict(fed, verbose=0) - wanted).max() <= 1e-4 * max(1.0, np.abs(wanted).max())
    assert ("normalise" in [layer.name for layer in ours.layers]) == (name != "MobileNet")


@pytest.mark.parametrize("expects", ["minus_one_to_one", "zero_to_one", "bytes", "caffe", "torch"])
def test_what_the_network_expects_is_made_exactly_also_at_the_borders(expects, tmp_path):
    keras = _keras(2)
    image = keras.Input((PX, PX, 3))
    model = keras.Sequential([image, keras.layers.Conv2D(5, 3, padding="same")])
    model.save(tmp_path / "mine.h5")
    fed, own = _pixels(expects)
    wanted = model.predict(own, verbose=0)
    ours = FAMILY.build(_section(tmp_path / "mine.h5", expects))
    assert np.abs(ours.predict(fed, verbose=0) - wanted).max() <= 1e-5 * max(1.0, np.abs(wanted).max())


def _legacy(path, model):
    """Rewrite the configuration as Keras 2 wrote it, with `groups` in DepthwiseConv2D, which Keras 3 refuses."""
    with h5py.File(path, "r+") as file:
        config = json.loads(file.attrs["model_config"])
        assert any(
            layer["config"].get("groups") == 1 for layer in config["config"]["layers"] if "Depthwise" in layer["class_name"]
        )
        file.attrs["keras_version"] = "2.4.0"


def test_a_legacy_h5_that_keras_3_refuses_loads(tmp_path):
    keras = _keras(2)
    model = keras.applications.MobileNet(input_shape=(PX, PX, 3), alpha=0.25, weights=None, classes=3)
    model.save(tmp_path / "mine.h5")
    _legacy(tmp_path / "mine.h5", model)
    keras_3 = _keras(3)
    with pytest.raises(Exception, match="groups"):
        keras_3.models.load_model(tmp_path / "mine.h5", compile=False)
    ours = FAMILY.build(_section(tmp_path / "mine.h5"))
    assert ours.output_shape == (None, 1, 1, 256)


def test_own_weights_random_weights_and_a_wrong_digest(tmp_path):
    keras = _keras(2)
    model, _ = _network(keras)
    model.save(tmp_path / "mine.h5")
    section = _section(tmp_path / "mine.h5", "bytes")
    own, random = FAMILY.build(section), FAMILY.build(_section(tmp_path / "mine.h5", "bytes", weights="none"))
    same = [np.array_equal(a, b) for a, b in zip(own.get_weights(), random.get_weights(), strict=True)]
    assert same[:2] == [True, True]  # `normalise`
    assert not np.array_equal(own.get_layer("side").get_weights()[0], random.get_layer("side").get_weights()[0])
    digest = hashlib.sha256((tmp_path / "mine.h5").read_bytes()).hexdigest()
    FAMILY.build(_section(tmp_path / "mine.h5", "bytes", sha256=digest))
    with pytest.raises(InputError, match=r"backbone\.network\.sha256: mine\.h5 has sha256"):
        FAMILY.build(_section(tmp_path / "mine.h5", "bytes", sha256="0" * 64))


def test_code_and_unknown_classes_and_settings_are_refused_by_name_all_at_once(tmp_path):
    keras = _keras(3)

    @keras.saving.register_keras_serializable("mine")
    class Conv2D(keras.layers.Layer):
        def call(self, x):
            return x

    layers = keras.layers
    image = keras.Input((PX, PX, 3))
    x = layers.Conv2D(4, 3, name="fine")(image)
    x = layers.Conv2D(4, 3, groups=2, name="grouped")(x)
    x = layers.Lambda(lambda v: v * 2, name="code")(x)
    x = layers.LeakyReLU(name="leaky")(x)
    x = layers.Activation("tanh", name="curved")(x)
    x = layers.Rescaling(2.0, name="late")(x)
    x = Conv2D(name="disguised")(x)
    x = x + 1.0
    x = layers.GlobalAveragePooling2D()(x)
    x = layers.Lambda(lambda v: v * 2, name="after_the_cut")(x)
    keras.Model(image, x).save(tmp_path / "mine.keras")
    ((key, what),) = FAMILY.faults(_section(tmp_path / "mine.keras"))
    assert key == "network.path"
    for line in (
        "grouped (Conv2D): groups = 2 cannot be used",
        "code (Lambda): it is code",
        "leaky (LeakyReLU): edgetl does not know this class",
        "curved (Activation): activation 'tanh' is not one of",
        "late (Rescaling): only right behind the image",
        "disguised (Conv2D): ",
        "add (Rescaling): only right behind the image",
    ):
        assert line in what, line
    assert "fine" not in what
    assert "after_the_cut" not in what
    assert FAMILY.faults(_section(tmp_path / "mine.keras", cut_at="fine")) == ()


@pytest.mark.parametrize("suffix", [".h5", ".keras"])
@pytest.mark.parametrize("version", [2, 3])
def test_arithmetic_on_the_image_is_folded_and_sums_of_maps_are_kept(version, suffix, tmp_path):
    keras = _keras(version)
    layers = keras.layers
    image = keras.Input((PX, PX, 3))
    x = image / 127.5 - 1.0 if version == 3 or suffix == ".h5" else layers.Rescaling(1 / 127.5, offset=-1.0)(image)
    x = layers.Conv2D(4, 3, padding="same")(x)
    y = layers.Conv2D(4, 3, padding="same")(x)
    x = x + y if version == 3 else layers.Add()([x, y])
    model = keras.Model(image, x)
    model.save(tmp_path / f"mine{suffix}")
    fed, own = _pixels("bytes")
    ours = FAMILY.build(_section(tmp_path / f"mine{suffix}", "bytes"))
    assert np.abs(ours.predict(fed, verbose=0) - model.predict(own, verbose=0)).max() <= 1e-4


@pytest.mark.parametrize("suffix", [".h5", ".keras"])
def test_constants_elsewhere_and_channels_elsewhere_are_refused(suffix, tmp_path):
    keras = _keras(3)
    layers = keras.layers
    image = keras.Input((PX, PX, 3))
    x = layers.Conv2D(PX, 3, padding="same", name="first")(image)
    keras.Model(image, layers.Conv2D(2, 1)(x * 2.0)).save(tmp_path / f"scaled{suffix}")
    ((_, what),) = FAMILY.faults(_section(tmp_path / f"scaled{suffix}"))
    assert "(Rescaling): only right behind the image" in what
    keras.Model(image, layers.BatchNormalization(axis=1, name="rows")(x)).save(tmp_path / f"rows{suffix}")
    with pytest.raises(InputError, match=r"rows.*axis 1 is not the channels'"):
        FAMILY.build(_section(tmp_path / f"rows{suffix}"))


def test_several_inputs_are_refused_where_they_come_together(tmp_path):
    keras = _keras(3)
    layers = keras.layers
    image, extra = keras.Input((PX, PX, 3)), keras.Input((PX, PX, 4), name="extra")
    x = layers.Conv2D(4, 3, padding="same", name="first")(image)
    keras.Model([image, extra], layers.Add()([x, extra])).save(tmp_path / "mine.keras")
    ((_, what),) = FAMILY.faults(_section(tmp_path / "mine.keras"))
    assert "extra (InputLayer): the network has several inputs; cut before they come together." in what
    assert FAMILY.faults(_section(tmp_path / "mine.keras", cut_at="first")) == ()


@pytest.mark.parametrize("version", [2, 3])
def test_networks_within_networks_that_share_names(version, tmp_path):
    keras = _keras(version)
    layers = keras.layers

    def block(name, channels):
        inside = [layers.Conv2D(4, 1, name="conv"), layers.BatchNormalization(name="bn")]
        return keras.Sequential([keras.Input((PX, PX, channels)), *inside], name=name)

    outer = keras.Sequential([keras.Input((PX, PX, 3)), block("a", 3), block("b", 4)], name="outer")
    model = keras.Sequential([keras.Input((PX, PX, 3)), outer, layers.ReLU(name="_last" if version == 3 else "last")])
    _shake(model)
    for suffix in (".keras", ".h5") if version == 3 else (".keras",):
        path = tmp_path / f"mine{suffix}"
        model.save(path)
        fed, _ = _pixels("minus_one_to_one")
        ours = FAMILY.build(_section(path))
        assert np.abs(ours.predict(fed, verbose=0) - model.predict(fed, verbose=0)).max() <= 1e-4
        assert ours.layers[-1].name == ("layer_last" if version == 3 else "last")
        ((_, what),) = FAMILY.faults(_section(path, cut_at="bn"))
        assert "2 layers are named 'bn'; cut_at must be one of: outer/a/bn, outer/b/bn." in what
        assert FAMILY.build(_section(path, cut_at="outer/a/bn")).layers[-1].name == "bn"
        assert FAMILY.build(_section(path, cut_at="b")).layers[-1].name == "b_bn"
    ((_, what),) = FAMILY.faults(_section(path, cut_at="outer/a/bm"))
    assert "Did you mean" in what


def test_an_old_sequential_says_its_input_in_its_first_layer(tmp_path):
    keras = _keras(2)
    model = keras.Sequential([keras.Input((PX, PX, 3)), keras.layers.Conv2D(4, 3), keras.layers.ReLU()])
    model.save(tmp_path / "new.h5")
    for number, bare in enumerate((True, False)):
        path = tmp_path / f"old{number}.h5"
        path.write_bytes((tmp_path / "new.h5").read_bytes())
        with h5py.File(path, "r+") as file:
            config = json.loads(file.attrs["model_config"])
            first, *rest = config["config"]["layers"][1:]
            first["config"]["batch_input_shape"] = [None, PX, PX, 3]
            config["config"] = [first, *rest] if bare else {"name": "s", "layers": [first, *rest]}
            file.attrs["model_config"] = json.dumps(config)
        fed, _ = _pixels("minus_one_to_one")
        assert np.allclose(FAMILY.build(_section(path)).predict(fed, verbose=0), model.predict(fed, verbose=0), atol=1e-5)
    unbuilt = _keras(3)
    unbuilt.Sequential([unbuilt.layers.Conv2D(4, 3), unbuilt.layers.ReLU()]).save(tmp_path / "unbuilt.keras")
    ((_, what),) = FAMILY.faults(_section(tmp_path / "unbuilt.keras"))
    assert "it was never built" in what


def test_a_cut_before_anything_can_learn_is_refused(tmp_path):
    keras = _keras(3)
    layers = keras.layers
    net = [keras.Input((PX, PX, 3)), layers.Rescaling(1 / 255, name="scale"), layers.Conv2D(2, 1)]
    keras.Sequential(net).save(tmp_path / "mine.keras")
    ((_, what),) = FAMILY.faults(_section(tmp_path / "mine.keras", "bytes", cut_at="scale"))
    assert "nothing before the cut" in what


def _zip(path, config, weights=b""):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("config.json", config)
        archive.writestr("metadata.json", "{}")
        archive.writestr("model.weights.h5", weights)


def _sequential(*layers):
    return {"class_name": "Sequential", "config": {"name": "s", "layers": list(layers)}}


INPUT = {"class_name": "InputLayer", "config": {"name": "i", "batch_shape": [None, PX, PX, 3]}}
CONV = {"class_name": "Conv2D", "config": {"name": "c", "filters": 4, "kernel_size": [3, 3]}}


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ("no json", "is not a network saved by Keras"),
        ("[" * 200_000, "is not a network saved by Keras"),
        (b"\x00" * 65_000_000, "unpacks to more than"),
        ({"class_name": "Mine", "config": {}}, "of class Mine, which is code"),
        ({"class_name": "Functional", "module": "os", "config": {}}, "which is code"),
        ({"class_name": "Functional", "config": {"layers": [{}]}}, "is damaged"),
        (
            _sequential(INPUT, {**CONV, "config": {**CONV["config"], "filters": 10**12}}),
            "filters = 1000000000000 is out of range",
        ),
        (_sequential({**INPUT, "config": {"name": "i", "batch_shape": [None, PX, PX, 1]}}, CONV), "not RGB images"),
        (
            {
                "class_name": "Functional",
                "config": {
                    "layers": [{**CONV, "name": "c", "inbound_nodes": [[["c", 0, 0, {}]]]}],
                    "output_layers": [["c", 0, 0]],
                },
            },
            "reads a layer that is not there",
        ),
    ],
)
def test_hostile_files_are_refused(config, message, tmp_path):
    text = json.dumps(config) if isinstance(config, dict) else config
    _zip(tmp_path / "x.keras", text)
    ((_, what),) = FAMILY.faults(_section(tmp_path / "x.keras"))
    assert message in what


def test_weights_that_do_not_fit_are_missing_or_lie_elsewhere_are_refused(tmp_path):
    def weights(**datasets):
        data = io.BytesIO()
        with h5py.File(data, "w") as file:
            for number, (_, value) in enumerate(sorted(datasets.items())):
                file[f"layers/conv2d/vars/{number}"] = value
        return data.getvalue()

    config = json.dumps(_sequential(INPUT, CONV))
    good = {"a": np.zeros((3, 3, 3, 4)), "b": np.zeros(4)}
    for given, message in (
        (good, None),
        ({"a": np.zeros((3, 3, 3, 5)), "b": np.zeros(4)}, r"c \(Conv2D\): its weights have shapes"),
        ({"a": good["a"]}, r"its settings say \[\(3, 3, 3, 4\), \(4,\)\]"),
        ({**good, "b": np.full(4, np.nan)}, "not finite"),
        ({**good, "b": np.zeros(4, "S3")}, "not a plain array"),
    ):
        _zip(tmp_path / "x.keras", config, weights(**given))
        if message is None:
            FAMILY.build(_section(tmp_path / "x.keras"))
        else:
            with pytest.raises(InputError, match=message):
                FAMILY.build(_section(tmp_path / "x.keras"))
    with h5py.File(tmp_path / "y.h5", "w") as file:
        file.attrs["model_config"] = config
        group = file.create_group("model_weights/c")
        group.attrs["weight_names"] = [b"kernel", b"bias"]
        group.create_dataset("kernel", (3, 3, 3, 4), "f4", external=[(str(tmp_path / "secret"), 0, 432)])
        group["bias"] = np.zeros(4)
    with pytest.raises(InputError, match="not a plain array"):
        FAMILY.build(_section(tmp_path / "y.h5"))


def test_what_is_refused_before_any_file_is_read():
    bare = Backbone(name="local", weights="bundled", alpha=0.5)
    assert [key for key, _ in bare.faults()] == ["network", "expects", "alpha", "weights"]
    other = Backbone(name="vgg", expects="bytes", cut_at="x", network=Network(path="x"))
    assert other.faults() == tuple((key, "vgg does not read it.") for key in ("network", "cut_at", "expects"))
    assert [what for _, what in Network().faults()] == ["needs either 'path' or 'handle'."]


@pytest.mark.slow
def test_it_is_trained_and_its_int8_files_are_equal_to_the_bit(int8_of_digits, tmp_path):
    keras = _keras(3)
    model, _ = _network(keras, "_")
    model.save(tmp_path / "mine.keras")
    network = {"path": str(tmp_path / "mine.keras")}
    artifacts = int8_of_digits("local", PX, 3, network=network, expects="bytes")
    assert {artifact["int8_mac_share"] for artifact in artifacts.values()} == {1.0}
    against = artifacts["onnx"]["against_origin"]
    assert (against["max_steps"], against["agreement"]) == (0, 1.0)
