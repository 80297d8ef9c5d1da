"""An emulated ARM64 processor runs the ARM64 builds of both runtimes: their numbers against those of this computer's builds.

`.ci/run` calls this file whole, slow tests too.
"""

import json
import os
import shutil
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from edgetl.connections import _arm64_root, arm64_emulated, local
from edgetl.errors import BenchmarkError

PX, COUNT = 64, 100


@pytest.fixture(scope="module")
def settings():
    settings = arm64_emulated.Settings()
    if (reason := arm64_emulated.unreachable(settings)) is not None:
        (pytest.fail if os.environ.get("EDGETL_CI") else pytest.skip)(reason)
    return settings


@pytest.fixture(scope="module")
def digits(tmp_path_factory):
    """The bundled MobileNetV2 with a classifier of digits, float and int8, as TFLite and ONNX; and images that it knows."""
    import tf_keras
    from sklearn.linear_model import LogisticRegression

    from edgetl import registry
    from edgetl.converters._base import Source
    from edgetl.nn import fake_quant, frozen, pretrain_worth
    from edgetl.nn.classifier import build_classifier
    from edgetl.nn.weights import load_backbone_weights
    from edgetl.preprocess import normalise
    from edgetl.recipe import Target

    images, recipe = pretrain_worth.images(), pretrain_worth.recipe("bundled", 0, 1)
    model = build_classifier(recipe, 10, training=False)
    load_backbone_weights(model, recipe.backbone)
    pixels, labels = images.pixels[:400], images.labels[:400]
    values = normalise(pixels, recipe.preprocess)
    features = tf_keras.Model(model.input, model.get_layer("pool").output).predict(values, verbose=0)
    learnt = LogisticRegression(max_iter=100).fit(features[COUNT:], labels[COUNT:])
    model.get_layer("logits").set_weights([learnt.coef_.T, learnt.intercept_])
    quantized = fake_quant.quantize_model(model, recipe.preprocess.input_range)
    fake_quant.calibrate(quantized, model, [values[COUNT : COUNT + 64]])
    folder = tmp_path_factory.mktemp("digits")
    names = tuple("0123456789")
    files = {}
    for scheme, network in (("fp32", model), ("w8a8_ptq", quantized)):
        (folder / scheme).mkdir()
        frozen.freeze(network, PX, folder / scheme / frozen.NETWORK)
        source = Source(network=folder / scheme, preprocess=recipe.preprocess, class_names=names, calibration=None, origin=None)
        for form in ("tflite", "onnx"):
            path = folder / f"{scheme}.{form}"
            registry.load("converters", form).convert(source, Target(format=form, scheme=scheme), path)
            files[form, scheme] = path
            source = replace(source, origin=path) if scheme != "fp32" else source
    return SimpleNamespace(files=files, images=tuple(value[None] for value in values[:COUNT]), labels=labels[:COUNT])


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["fp32", "w8a8_ptq"])
@pytest.mark.parametrize(("form", "runtime"), [("tflite", "litert"), ("onnx", "onnxruntime")])
def test_arm_answers_as_this_computer_does(settings, digits, form, runtime, scheme):
    found = []
    for connection, where in ((arm64_emulated, settings), (local, local.Settings())):
        link = connection.open(where)
        session = link.start(digits.files[form, scheme], runtime, 1)
        found.append(np.concatenate([outputs[0] for outputs in session.outputs(digits.images)]))
        system = session.facts["system"]
        session.close()
        link.close()
        assert (system == "linux aarch64") == (connection is arm64_emulated)
    there, here = found
    assert there.shape == (COUNT, 10)
    assert np.mean(here.argmax(1) == digits.labels) > 0.8, "a network that always says the same would agree with anything"
    assert np.array_equal(there.argmax(1), here.argmax(1)), "top-1 on all images"
    step = 1 / 256  # of probabilities in int8; of float ones a rounding error
    assert np.abs(there - here).max() <= (step * 1.001 if scheme != "fp32" else 1e-4)


@pytest.mark.slow
def test_no_time_comes_from_an_emulator(settings, digits):
    session = arm64_emulated.open(settings).start(digits.files["tflite", "fp32"], "litert", 1)
    try:
        assert session.facts["load_ms"] is None and session.facts["first_inference_ms"] is None
        assert session.facts["cpu"] == "emulated cortex-a76"
        with pytest.raises(BenchmarkError, match="an emulated processor has no times of its own. Measure on the device"):
            session.time(10, 1.0)
        assert len(session.outputs(digits.images[:1])) == 1, "the refusal ends nothing"
    finally:
        session.close()


@pytest.mark.slow
def test_a_processor_without_dot_products_answers_too(settings, digits):
    older = replace(settings, cpu="cortex-a72")
    session = arm64_emulated.open(older).start(digits.files["tflite", "w8a8_ptq"], "litert", 1)
    assert [int(outputs[0].argmax()) for outputs in session.outputs(digits.images[:5])] == digits.labels[:5].tolist()
    session.close()


def test_what_the_processor_lacks_is_an_illegal_instruction(settings, tmp_path):
    """A dot product (SDOT) ends the program of a cortex-a72, not that of a cortex-a76."""
    import ctypes

    code = (
        "import ctypes, mmap\n"
        "page = mmap.mmap(-1, 4096, prot=7)\n"
        "page.write(bytes.fromhex('0094824e' 'c0035fd6'))  # sdot v0.4s, v0.16b, v2.16b; ret\n"
        "ctypes.CFUNCTYPE(None)(ctypes.addressof(ctypes.c_char.from_buffer(page)))()\n"
        "print('done')\n"
    )
    assert ctypes.sizeof(ctypes.c_void_p) == 8
    (tmp_path / "sdot.py").write_text(code)
    found = {}
    for cpu in _arm64_root.CPUS:
        from edgetl.connections._child import run

        found[cpu] = run([*arm64_emulated._argv(replace(settings, cpu=cpu), settings.folder), str(tmp_path / "sdot.py")], 60)
    assert found["cortex-a76"].out == b"done\n", found
    assert found["cortex-a72"].out == b"" and found["cortex-a72"].code != 0


def test_what_is_there_is_told(settings):
    found = arm64_emulated.probe(settings)
    assert found["machine"] == "aarch64"
    kept = {entry["name"]: entry for entry in json.loads((settings.folder / "made.json").read_text())["packages"]}
    assert found["runtimes"]["litert"] == kept["ai-edge-litert"]["version"]
    assert all(len(entry["sha256"]) == 64 for entry in kept.values())
    from edgetl import packages

    assert found["runtimes"]["onnxruntime"] == packages.version("onnxruntime"), "the same code as here, or comparing says nothing"


def test_without_the_folder_it_says_how_to_make_it(tmp_path):
    settings = arm64_emulated.Settings(root=str(tmp_path / "none"))
    reason = arm64_emulated.unreachable(settings)
    assert reason is not None
    if arm64_emulated.unavailable() is None:
        assert "edgetl device prepare arm64_emulated" in reason
    (tmp_path / "none").mkdir()
    for text in ("", "[]", '{"schema": 1, "python": "../../bin/sh"}', '{"schema": 2, "python": "3.11"}'):
        (tmp_path / "none" / "made.json").write_text(text)
        assert _arm64_root.made(tmp_path / "none") is None


def test_a_damaged_folder_is_told_in_words(settings, tmp_path):
    (tmp_path / "made.json").write_text(json.dumps({"schema": 1, "python": "3.11", "packages": []}))
    reason = arm64_emulated.unreachable(replace(settings, root=str(tmp_path)))
    assert "make the folder anew with: edgetl device prepare arm64_emulated" in reason
    assert len(reason) < 3000


def test_a_folder_that_cannot_be_made_leaves_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr(_arm64_root, "DEBIAN_PACKAGES", ("no-such-package-anywhere",))
    if shutil.which("apt-get") is None:
        pytest.skip("apt-get is not installed")
    with pytest.raises(BenchmarkError, match="apt-get failed with"):
        _arm64_root.make(tmp_path / "arm64", print, print)
    assert not list(tmp_path.iterdir())


def test_what_a_killed_run_left_is_removed_and_a_living_one_is_let_be(tmp_path, monkeypatch):
    monkeypatch.setattr(_arm64_root, "_run", lambda *_: (_ for _ in ()).throw(BenchmarkError("no network")))
    living, dead = tmp_path / f"arm64.{os.getppid()}.partial", tmp_path / "arm64.4194305.partial"  # above the highest pid
    living.mkdir()
    dead.mkdir()
    with pytest.raises(BenchmarkError, match="no network"):
        _arm64_root.make(tmp_path / "arm64", print, print)
    assert list(tmp_path.iterdir()) == [living]


def test_cpuinfo_lists_what_the_runtimes_look_for():
    text = _arm64_root.cpuinfo("cortex-a76", cores=2)
    assert text.count("processor\t:") == 2 and "asimddp" in text and "CPU part\t: 0xd0b" in text
    assert "asimddp" not in _arm64_root.cpuinfo("cortex-a72")
    assert Path(arm64_emulated.Settings().root).name == "arm64"
