"""The Kotlin that `ship app --for android` writes: compiled against stubs, run on this JVM, held against the golden contract.

Equal to the bit: the whole input buffer of each photo, from the pixels that Pillow decoded. Within the contract's tolerance: the
same from JPEG files decoded by javax.imageio.
"""

import hashlib
import json
import struct
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from edgetl.apps import _generate
from edgetl.bundle.opening import opened
from edgetl.golden.check import hold
from edgetl.golden.expected import expected
from edgetl.replay import observed

ASSETS = "edgetl_model/src/main/assets/edgetl"


def _photos(bundle):
    return [path for path in sorted((bundle / "golden").iterdir()) if path.suffix != ".json"]


def _raw(photo, folder, orientation=None):
    """What Android's decoder gives: pixels as they lie, the orientation beside them; under the photo's sha256."""
    image = Image.open(photo)
    turn = image.getexif().get(0x0112, 1) if orientation is None else orientation
    rgba = np.asarray(image.convert("RGBA")).astype(np.uint32)
    argb = rgba[..., 3] << 24 | rgba[..., 0] << 16 | rgba[..., 1] << 8 | rgba[..., 2]
    name = hashlib.sha256(photo.read_bytes()).hexdigest()
    folder.mkdir(exist_ok=True)
    (folder / f"{name}.raw").write_bytes(struct.pack(">3i", image.width, image.height, turn) + argb.astype(">u4").tobytes())


def _log(path, found):
    return observed.read(path, found.class_names)


def _zipped(bundle, goal):
    """As `UpdateClient` has it: everything in one folder."""
    with zipfile.ZipFile(goal, "w", zipfile.ZIP_DEFLATED) as packed:
        for path in sorted(bundle.rglob("*")):
            if path.is_file():
                packed.write(path, f"net/{path.relative_to(bundle).as_posix()}")
    return goal


def test_it_compiles_without_a_warning_and_is_the_same_for_every_bundle(jvm, others, tmp_path):
    assert jvm.said == []
    _generate.generate(others["bicubic"], "android", None, tmp_path / "other", jvm.package)
    ours, theirs = (
        {path.relative_to(root): path.read_bytes() for path in root.rglob("*.kt*")} for root in (jvm.sources, tmp_path / "other")
    )
    assert ours == theirs and len(ours) == 12


@pytest.mark.parametrize("scheme", ["fp32", "w8a8_ptq", "w8a8_qat"])
def test_its_input_is_golden_to_the_bit_from_the_same_pixels(jvm, shipped, scheme, tmp_path):
    _golden_to_the_bit(jvm, shipped, f"tflite/{scheme}", tmp_path)


@pytest.mark.parametrize("kind", ["bicubic", "nearest"])
def test_a_bundle_of_another_size_and_filter_is_golden_to_the_bit_from_its_zip(jvm, others, kind, tmp_path):
    zipped = _zipped(others[kind], tmp_path / "update.zip")
    _golden_to_the_bit(jvm, others[kind], "tflite/fp32", tmp_path, zipped)


def _golden_to_the_bit(jvm, bundle, artifact, folder, zipped=None):
    for photo in _photos(bundle):
        _raw(photo, folder / "raw")
    out = folder / "out"
    with opened(bundle) as found:
        contract = expected(found, artifact, "--artifact")
        if zipped is None:
            _generate.generate(bundle, "android", artifact, folder / "app", None)
            jvm.run("app", folder / "app" / ASSETS, folder / "raw", out)
        else:
            jvm.run("zip", zipped, folder / "raw", out, contract.path)
        assert len(contract.golden) >= 8
        for image in contract.golden:
            made = (out / f"{image.file}.input").read_bytes()
            assert hashlib.sha256(made).hexdigest() == image.tensor_sha256, image.file
        assert (out / "faults.txt").read_text() == ""
        log = _log(out / "log.json", found)
        assert hold(found, contract, log).same
        assert log.artifact == artifact
        assert (out / "labels.bin").read_bytes().decode() == "\0".join(found.class_names)
        top = (out / "top.bin").read_bytes().decode()
        wanted = "\0".join(found.class_names[:-3:-1]) if found.manifest["answers"]["labels_per_image"] == "one" else ""
        assert top == wanted  # of several labels only those that are likely enough are named


@pytest.mark.slow
def test_phone_photos_are_golden_to_the_bit_and_by_another_decoder_within_the_tolerance(jvm, phone_photos, tmp_path):
    for name in ("raw", "decoded"):
        (tmp_path / name).mkdir()
    _golden_to_the_bit(jvm, phone_photos, "tflite/w8a8_qat", tmp_path / "raw")
    _within_the_tolerance(jvm, phone_photos, "tflite/w8a8_qat", tmp_path / "decoded")


@pytest.mark.parametrize("scheme", ["fp32", "w8a8_qat"])
def test_jpeg_decoded_by_another_decoder_is_within_the_tolerance(jvm, shipped, scheme, tmp_path):
    _within_the_tolerance(jvm, shipped, f"tflite/{scheme}", tmp_path)


def _within_the_tolerance(jvm, bundle, artifact, folder):
    photos = folder / "photos"
    photos.mkdir()
    for photo in _photos(bundle):
        if photo.suffix == ".jpg":
            name = hashlib.sha256(photo.read_bytes()).hexdigest()
            (photos / f"{name}.turn").write_text(str(Image.open(photo).getexif().get(0x0112, 1)))
        else:
            _raw(photo, photos)
    _generate.generate(bundle, "android", artifact, folder / "app", None)
    jvm.run("app", folder / "app" / ASSETS, photos, folder / "out")
    with opened(bundle) as found:
        assert (folder / "out" / "faults.txt").read_text() == ""
        checked = hold(found, expected(found, artifact, "--artifact"), _log(folder / "out" / "log.json", found))
        assert checked.same, [image.says for image in checked.images]


def test_a_wrong_network_and_a_photo_that_is_not_turned_are_told(jvm, shipped, tmp_path):
    for photo in _photos(shipped):
        _raw(photo, tmp_path / "raw", 1 if photo.name == "turned6.jpg" else None)
    _generate.generate(shipped, "android", "tflite/fp32", tmp_path / "app", None)
    jvm.run("app", tmp_path / "app" / ASSETS, tmp_path / "raw", tmp_path / "out")
    faults = (tmp_path / "out" / "faults.txt").read_text().splitlines()
    assert len(faults) == 1 and faults[0].startswith("turned6.jpg: the input is off by ")
    wrong = (tmp_path / "out" / "wrong.txt").read_text()
    assert wrong.count("a probability is off by") == 13
    log = json.loads((tmp_path / "out" / "wrong.json").read_text())
    assert log["images"][0]["probabilities"] == pytest.approx([0.0, 0.01, 0.02, 0.03, 0.04])
    with opened(shipped) as found:
        checked = hold(found, expected(found, "tflite/fp32", "--artifact"), _log(tmp_path / "out" / "log.json", found))
    assert [image.file for image in checked.images if image.first != "same"] == ["turned6.jpg"]


@pytest.mark.slow
def test_the_files_of_every_shipped_recipe_are_golden_to_the_bit(jvm, making, tmp_path):
    from edgetl.recipefile import load_recipe

    count = 0
    for path in sorted((Path(__file__).parents[2] / "recipes").glob("*.yaml")):
        recipe = load_recipe(str(path)).recipe
        for target in (t for t in recipe.targets if t.format == "tflite"):
            name, folder = f"tflite/{target.scheme}", tmp_path / f"{path.stem}_{target.scheme}"
            labels = tuple(f"class {i}" for i in range(600 if recipe.preprocess.crop_px == 32 else 10))
            some = dict(list(making.photos().items())[:8])
            made = making.bundle(folder / "bundle", {name: {"io_type": target.io}}, recipe.preprocess, labels, images=some)
            _golden_to_the_bit(jvm, made, name, folder)
            count += 1
    assert count >= 5
