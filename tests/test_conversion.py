"""A network without a recipe becomes files that answer as it does; what cannot be is refused at once, and nothing is left."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from PIL import Image

from edgetl import content, conversion, conversion_request, origins, registry
from edgetl.errors import DataError, InputError
from edgetl.photos import gather

PX = 32
LABELS = ("blue", "green", "red")
BYTES = ((0.0,) * 3, (1.0,) * 3)
MLPERF = "models/mlperf-tiny/image_classification"


def _wishes(model, out, photos, *targets, **more):
    plain = {"labels": None, "feed": None, "px": None, "calibration": photos, "data": None}
    return conversion_request.Wishes(model=model, out=out, targets=targets, **{**plain, **more})


@pytest.fixture(scope="session")
def network(tmp_path_factory):
    """A functional network with one inside, saved by Keras 3, whose answers tell the colours apart."""
    keras = pytest.importorskip("keras")
    layers = keras.layers
    inner = keras.Sequential([keras.Input((PX, PX, 3)), layers.Conv2D(6, 3, padding="same"), layers.ReLU(6.0)], name="base")
    image = keras.Input((PX, PX, 3))
    x = layers.GlobalAveragePooling2D()(inner(layers.Rescaling(1 / 127.5, offset=-1)(image)))
    model = keras.Model(image, layers.Dense(3, activation="softmax", name="top")(x))
    kernel = np.zeros((3, 3, 3, 6), np.float32)
    kernel[1, 1, :, :3], kernel[1, 1, :, 3:] = np.eye(3), -np.eye(3)
    inner.layers[0].set_weights([kernel, np.full(6, 0.5, np.float32)])
    top = np.array([[0, 0, 6], [0, 6, 0], [6, 0, 0], [0, 0, -6], [0, -6, 0], [-6, 0, 0]], np.float32)
    model.get_layer("top").set_weights([top, np.zeros(3, np.float32)])
    path = tmp_path_factory.mktemp("network") / "mine.keras"
    model.save(path)
    return path


def _answers(path, runtime, preprocess, pixels, classes):
    session = registry.load("runtimes", runtime).open(path, 1, preprocess, classes)
    found = []
    for one in pixels:
        session.set_input(one)
        session.invoke()
        found.append(session.output().copy())
    session.close()
    return np.array(found)


@pytest.fixture(scope="module")
def converted(network, photos, tmp_path_factory):
    """The network as an int8 ONNX file, its photos in folders of its classes; returns the report and its folder."""
    out = tmp_path_factory.mktemp("converted") / "out"
    more = {"labels": LABELS, "devices": ("pixel-4",)}
    asked = conversion_request.options(["calibration_images=32", "verification_images=60"])
    return conversion.convert(_wishes(network, out, photos, "onnx/w8a8_ptq", options=asked, **more)), out


def test_a_keras_file_becomes_files_that_answer_as_keras_does(network, photos, converted):
    report, out = converted
    (entry,) = report["artifacts"]
    assert (entry["status"], entry["top1"], entry["agreement"], entry["int8_mac_share"]) == ("verified", 1.0, 1.0, 1.0)
    assert entry["max_abs_err"] < 0.05
    assert entry["sqnr_db"] > 25
    assert entry["against_origin"]["max_steps"] == 0, "LiteRT and onnxruntime agree to the bit"
    assert entry["paired"]["n"] == 60
    assert report["model"]["original"].startswith("keras 3")
    assert report["model"]["max_abs_err"] <= 1e-5
    assert {v["gate"] for v in report["verdicts"]} >= {"max_top1_drop", "latency_p90_ms", "size_mb"}
    assert sorted(p.name for p in out.iterdir()) == ["artifacts", "checkpoint", "report.html", "report.json", "report.md"]
    assert [p.name for p in (out / "artifacts").iterdir()] == ["mine_w8a8_ptq.onnx"], "the TFLite file was not asked for"
    assert [p.name for p in out.parent.iterdir()] == ["out"], "something was left beside it"
    assert json.loads((out / "report.json").read_text()) == json.loads(json.dumps(report))
    found = origins.insist(out / "artifacts/mine_w8a8_ptq.onnx")
    assert found.same
    assert (found.recipe, found.scheme, found.class_names) == (None, "w8a8_ptq", LABELS)
    assert found.checkpoint == out / "checkpoint"
    assert found.quantized == out / "checkpoint/w8a8_ptq"
    import keras

    pixels = gather(photos, LABELS, limit=12).pixels(found.preprocess)
    theirs = np.asarray(keras.models.load_model(network)(pixels.astype(np.float32)))
    ours = _answers(out / "artifacts/mine_w8a8_ptq.onnx", "onnxruntime", found.preprocess, pixels, LABELS)
    assert np.abs(ours - theirs).max() < 0.05
    assert (ours.argmax(1) == theirs.argmax(1)).all()


def test_photos_of_calibration_with_classes_are_tested_with_labels(converted):
    report, _ = converted
    assert report["data"]["labelled"]
    assert report["data"]["images"] == {"calibration": 32, "verification": 60}
    assert report["checkpoint"]["top1"] == 1.0
    (told,) = report["data"]["warnings"]
    assert told.startswith("20 of the 60 photos tested also gave int8 its ranges"), "72 photos: 40 others, then 20 of the 32"


@pytest.mark.parametrize(
    ("other", "target", "told"),
    [
        (False, "tflite/w8a8_ptq", "this network, other targets or settings; these files would go: artifacts/mine_w8a8_ptq.onnx"),
        (True, "onnx/w8a8_ptq", "another network, mine.keras; these files would go: artifacts/mine_w8a8_ptq.onnx"),
    ],
)
def test_an_earlier_conversion_is_not_replaced_unasked(converted, network, photos, tmp_path, other, target, told):
    _, out = converted
    model = network
    if other:
        model = tmp_path / "mine.keras"
        model.write_bytes(network.read_bytes() + b"more")
    with pytest.raises(InputError, match=f"{told}.*--out.*--replace"):
        conversion.convert(_wishes(model, out, photos, target))
    assert (out / "artifacts/mine_w8a8_ptq.onnx").is_file()


@pytest.mark.slow
def test_a_rerun_and_what_is_asked_for_replace_it(converted, network, photos, tmp_path):
    _, out = converted
    recipe, _ = conversion_request.recipe_of(_wishes(network, out, photos, "onnx/w8a8_ptq", "tflite/fp32"))
    digest = content.digest(network, "MODEL")
    conversion._check_folder(out, recipe, digest, replaced=False)
    with pytest.raises(InputError):
        conversion._check_folder(out, recipe, "0" * 64, replaced=False)
    conversion._check_folder(out, recipe, "0" * 64, replaced=True)


@pytest.mark.slow
def test_an_int8_tflite_file_becomes_onnx_integer_for_integer(material, photos, tmp_path, edgetl):
    path = material / MLPERF / "pretrainedResnet_quant.tflite"
    out = tmp_path / "out"
    asked = ("--to", "onnx", "--scheme", "w8a8_ptq", "--calibration", photos, "--range", "0..255", "--out", out)
    done = edgetl("convert", path, *asked, "--json")
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)  # and nothing else is there
    assert report["schema"] == 1
    (entry,) = report["artifacts"]
    assert entry["status"] == "verified"
    assert (entry["top1"], entry["paired"], entry["flips"]) == (None, None, []), "no photo has a label"
    assert entry["agreement"] >= 0.95
    assert entry["against_origin"]["max_steps"] <= 4  # LiteRT averages 64 places in fixed point
    found = origins.insist(out / "artifacts/pretrainedResnet_quant_w8a8_ptq.onnx")
    assert found.checkpoint is None, "there is no network"
    assert report["model"]["original"] == "LiteRT"
    (verdict,) = report["verdicts"]
    assert (verdict["gate"], verdict["limit"], verdict["value"]) == ("min_agreement", 0.95, entry["agreement"])
    assert not any("ranges" in warning for warning in report["data"]["warnings"]), "its ranges are its own"


@pytest.mark.slow
def test_one_photo_proves_nothing_and_metadata_says_how_it_is_fed(material, tmp_path):
    (tmp_path / "one").mkdir()
    Image.new("RGB", (40, 40), (200, 30, 30)).save(tmp_path / "one/a.png")
    path = material / "models/tflite-support/mobilenet_v1_0.25_224_1_metadata_1.tflite"
    report = conversion.convert(_wishes(path, tmp_path / "out", tmp_path / "one", "onnx/fp32"))
    (verdict,) = report["verdicts"]
    assert (verdict["value"], verdict["outcome"], verdict["images_needed"]) == (1.0, "unsure", 59)
    assert "how pixels become its input is what its metadata says: mean 127.5, std 127.5" in report["model"]["notes"]
    assert (report["preprocess"]["mean"], report["preprocess"]["std"]) == (127.5, 127.5)


@pytest.mark.slow
def test_layers_that_are_asked_for_stay_in_float(network, photos, tmp_path):
    with pytest.raises(InputError, match=r"(?s)no layer named 'tob' to keep\..*can be kept: .*top"):
        asked = conversion_request.options(["keep_float=tob"])
        conversion.convert(_wishes(network, tmp_path / "out", photos, "onnx/w8a8_ptq", options=asked))
    asked = conversion_request.options(["keep_float=top"])
    report = conversion.convert(_wishes(network, tmp_path / "out", photos, "onnx/w8a8_ptq", "coreml/w8a8_ptq", options=asked))
    assert report["kept_in_float"] == {"w8a8_ptq": {"asked": ["top"], "units": ["top"]}}
    for entry in report["artifacts"]:
        assert (entry["status"], entry["agreement"]) == ("verified", 1.0)
        assert "top" in entry["keep_float"]
        assert 0.99 < entry["int8_mac_share"] < 1.0


@pytest.mark.slow
def test_where_core_ml_parts_from_the_file_of_the_same_integers_is_named(material, tmp_path):
    path, asked = material / MLPERF / "pretrainedResnet_quant.tflite", conversion_request.options(["verification_images=100"])
    grocery = material / "data/grocery10/train"
    report = conversion.convert(_wishes(path, tmp_path / "out", grocery, "coreml/w8a8_ptq", feed=BYTES, options=asked))
    against = report["artifacts"][0]["against_origin"]
    assert against["agreement"] < 0.99
    assert against["first_difference"]["tensor"].startswith("conv_2d")
    assert against["first_difference"]["steps"] == 1
    assert "its scales are in half precision" in (tmp_path / "out/report.md").read_text()


@pytest.mark.slow
def test_a_float_tflite_file_becomes_onnx(material, photos, tmp_path):
    path = material / MLPERF / "pretrainedResnet.tflite"
    report = conversion.convert(_wishes(path, tmp_path / "out", photos, "onnx/fp32", feed=BYTES))
    assert report["artifacts"][0]["agreement"] == 1.0
    assert report["artifacts"][0]["max_abs_err"] < 1e-4


@pytest.mark.slow
def test_mlperfs_resnet_beside_mlperfs_own_int8_file(material, tmp_path):
    folder, grocery = material / MLPERF, material / "data/grocery10/train"
    report = conversion.convert(
        _wishes(
            folder / "pretrainedResnet.h5",
            tmp_path / "out",
            grocery,
            "tflite/w8a8_ptq",
            "tflite/fp32",
            "coreml/w8a8_ptq",
            feed=BYTES,
        )
    )
    files = {f"{a['format']}/{a['scheme']}": a for a in report["artifacts"]}
    assert files["tflite/fp32"]["max_abs_err"] < 1e-4
    assert files["coreml/w8a8_ptq"]["path"].endswith(".mlpackage")
    spec = origins.insist(tmp_path / "out" / files["tflite/fp32"]["path"]).preprocess
    pixels = gather(grocery, limit=200).pixels(spec)
    names = tuple(map(str, range(10)))
    reference = _answers(folder / "pretrainedResnet.tflite", "litert", spec, pixels, names)
    theirs = _answers(folder / "pretrainedResnet_quant.tflite", "litert", spec, pixels, names)
    ours = _answers(tmp_path / "out" / files["tflite/w8a8_ptq"]["path"], "litert", spec, pixels, names)
    error, their_error = (float(((one - reference) ** 2).mean()) for one in (ours, theirs))
    assert error < 1.5 * their_error
    assert (ours.argmax(1) == reference.argmax(1)).mean() > 0.92


@pytest.mark.slow
def test_a_saved_model_goes_to_float_schemes_and_no_further(photos, tmp_path):
    keras = pytest.importorskip("keras")

    class Code(keras.Model):
        def __init__(self):
            super().__init__()
            self.parts = [keras.layers.Conv2D(8, 3, strides=2, activation="elu"), keras.layers.GlobalAveragePooling2D(),
                          keras.layers.Dense(3, activation="softmax")]  # fmt: skip

        def call(self, x):
            for part in self.parts:
                x = part(x)
            return x

    model = Code()
    model(np.zeros((1, PX, PX, 3), np.float32))
    model.export(str(tmp_path / "saved"), verbose=False)
    feed = ((0.0,) * 3, (255.0, 200.0, 255.0))  # no one deviation: it stands in the file
    wishes = _wishes(tmp_path / "saved", tmp_path / "out", photos, "tflite/fp32", "coreml/fp16", feed=feed)
    report = conversion.convert(wishes)
    assert report["artifacts"][0]["max_abs_err"] < 1e-4
    assert report["preprocess"]["mean"] == 128.0
    with pytest.raises(InputError, match=r"one function without layers.*take one of: fp32, fp16"):
        conversion.convert(_wishes(tmp_path / "saved", tmp_path / "out", photos, "tflite/w8a8_ptq", feed=feed))


def test_every_fault_of_a_request_is_told_at_once_and_nothing_runs(tmp_path, network):
    wishes = _wishes(
        network, tmp_path / "out", None, "tflit/fp32", "onnx/fp16", "tflite/w8a8_qat", "tflite/w8a8_ptq",
        options=conversion_request.options(["layout=NCHW", "max_top1_drop=0.01"]),
    )  # fmt: skip
    with pytest.raises(InputError) as caught:
        conversion.convert(wishes)
    for line in (
        "no converter named 'tflit'. Did you mean 'tflite'?",
        "onnx/fp16: onnx cannot hold fp16",
        "tflite/w8a8_qat: w8a8_qat is trained, which needs a recipe",
        "--calibration FOLDER: is missing",
        "without these, it can be done: --target tflite/w8a8_ptq instead of",
        "--set max_top1_drop: needs the names of the classes",
    ):
        assert line in str(caught.value), line
    assert not list(tmp_path.iterdir())


def test_options_are_checked():
    with pytest.raises(InputError) as caught:
        conversion_request.options(["io=uint9", "calibration_images=0", "colour=red"])
    for line in ("is not allowed. Did you mean 'uint8'?", "--set calibration_images: 0 is out of range", "--set colour"):
        assert line in str(caught.value), line


def test_a_network_that_cannot_be_used_leaves_nothing(network, photos, tmp_path):
    (tmp_path / "mine.keras").write_bytes(network.read_bytes()[:5000])
    with pytest.raises(InputError, match=r"mine\.keras: is not a network saved by Keras"):
        conversion.convert(_wishes(tmp_path / "mine.keras", tmp_path / "out", photos, "tflite/fp32"))
    assert [p.name for p in tmp_path.iterdir()] == ["mine.keras"]


@pytest.mark.slow
def test_labels_that_do_not_fit_are_refused(network, photos, tmp_path):
    with pytest.raises(InputError, match=r"--labels: holds 2 names; mine\.keras has 3 classes"):
        conversion.convert(_wishes(network, tmp_path / "out", photos, "tflite/fp32", labels=("a", "b"), data=photos))


@pytest.mark.slow
def test_photos_of_other_classes_are_refused(network, photos, tmp_path):
    with pytest.raises(DataError, match="does not have: red"):
        conversion.convert(_wishes(network, tmp_path / "out", photos, "tflite/fp32", labels=("blue", "green", "r"), data=photos))


@pytest.mark.parametrize("option", ["calibration", "data"])
def test_a_folder_of_more_than_photos_is_refused_before_anything_starts(network, photos, tmp_path, monkeypatch, option):
    shutil.copytree(photos, tmp_path / "mixed")
    for name in ("LICENSE", "classes.csv"):
        (tmp_path / "mixed" / name).write_text("no photo")
    monkeypatch.setattr(conversion, "_step", lambda *_: pytest.fail("a stage was started"))
    wishes = _wishes(network, tmp_path / "out", photos, "tflite/w8a8_ptq", **{option: tmp_path / "mixed"})
    with pytest.raises(DataError, match=rf"^--{option}: .*cannot be used \(2 fault") as caught:
        conversion.convert(wishes)
    assert [fault.partition(":")[0] for fault in caught.value.faults] == ["LICENSE", "classes.csv"]
    assert not (tmp_path / "out").exists()


def test_what_others_wrote_is_not_replaced(network, photos, tmp_path):
    (tmp_path / "report.json").write_text('{"schema": 1, "recipe": {}}')
    with pytest.raises(InputError, match="holds files that no earlier conversion wrote"):
        conversion.convert(_wishes(network, tmp_path, photos, "tflite/fp32"))


def test_ctrl_c_ends_it_and_leaves_nothing(network, photos, tmp_path):
    command = [sys.executable, "-m", "edgetl", "convert", str(network), "--to", "tflite", "--scheme", "fp32"]
    command += ["--calibration", str(photos), "--out", str(tmp_path / "out")]
    child = subprocess.Popen(
        command,
        cwd=tmp_path,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "COLUMNS": "80"},
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # a shell's background jobs inherit that it is ignored
    )
    for _ in range(300):
        time.sleep(0.1)
        if any(path.name.startswith(".out_") for path in tmp_path.iterdir()):
            break
    time.sleep(0.5)
    child.send_signal(signal.SIGINT)
    _, told = child.communicate(timeout=60)
    assert child.returncode == 130
    assert "interrupted" in told
    assert "goes on from here" not in told
    assert not list(tmp_path.iterdir())
