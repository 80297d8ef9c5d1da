"""The Kotlin that `ship app --for android` writes: compiled against stubs, run on this JVM, held against the golden contract.

Equal to the bit: the whole input buffer of each photo, from the pixels that Pillow decoded. Within the contract's tolerance: the
same from JPEG files decoded by javax.imageio.
"""

import hashlib
import json
import struct

import numpy as np
import pytest
from PIL import Image

from edgetl.bundle.opening import opened
from edgetl.golden.check import hold
from edgetl.golden.expected import expected
from edgetl.replay import observed


def _raw(data, into):
    """What Android's decoder gives: pixels as they lie, the orientation beside them."""
    image = Image.open(data)
    turn = image.getexif().get(0x0112, 1)
    rgba = np.asarray(image.convert("RGBA")).astype(np.uint32)
    argb = rgba[..., 3] << 24 | rgba[..., 0] << 16 | rgba[..., 1] << 8 | rgba[..., 2]
    into.write_bytes(struct.pack(">3i", image.width, image.height, turn) + argb.astype(">u4").tobytes())


def _log(path, found):
    return observed.read(path, found.class_names)


def _sound(jvm):
    """Without a warning of the compiler."""
    assert all(len(sources) == 7 for sources in jvm.sources.values())
    assert jvm.said == []


@pytest.mark.slow
def test_the_sources_of_every_shipped_recipe_compile(jvm_more):
    assert len([package for package in jvm_more.sources if package.startswith("org.recipe.")]) >= 5
    _sound(jvm_more)


@pytest.mark.slow
@pytest.mark.parametrize("variant", ["bytes", "bicubic", "nearest"])
def test_other_inputs_and_filters_are_golden_to_the_bit(jvm_more, variant, tmp_path):
    _golden_to_the_bit(jvm_more, f"com.example.{variant}", tmp_path)


@pytest.mark.parametrize("variant", ["real", "signed"])
def test_its_input_is_golden_to_the_bit_from_the_same_pixels(jvm, variant, tmp_path):
    _sound(jvm)
    _golden_to_the_bit(jvm, f"com.example.{variant}", tmp_path)


def _golden_to_the_bit(jvm, package, folder):
    bundle, artifact = jvm.bundles[package]
    with opened(bundle) as found:
        for photo in (found.folder / "golden").iterdir():
            if photo.suffix != ".json":
                _raw(photo, folder / f"{photo.name}.raw")
        done = jvm.replay(package, folder, folder / "out")
        assert done.returncode == 0, done.stderr
        contract = expected(found, artifact, "--artifact")
        assert len(contract.images) >= 8
        for image in contract.images:
            made = (folder / "out" / f"{image.file}.input").read_bytes()
            assert hashlib.sha256(made).hexdigest() == image.tensor_sha256, image.file
        assert (folder / "out" / "faults.txt").read_text() == ""
        log = _log(folder / "out" / "log.json", found)
        assert hold(found, contract, log).same
        assert log.artifact == artifact
        assert (folder / "out" / "labels.bin").read_bytes().decode() == "\0".join(found.class_names)
        top = (folder / "out" / "top.bin").read_bytes().decode()
        wanted = "\0".join(found.class_names[:-3:-1]) if found.manifest["answers"]["labels_per_image"] == "one" else ""
        assert top == wanted  # of several labels only those that are likely enough are named


@pytest.mark.slow
def test_phone_photos_are_golden_to_the_bit_and_by_another_decoder_within_the_tolerance(jvm_photos, tmp_path):
    for name in ("raw", "decoded"):
        (tmp_path / name).mkdir()
    _golden_to_the_bit(jvm_photos, "com.example.photos", tmp_path / "raw")
    _within_the_tolerance(jvm_photos, "com.example.photos", tmp_path / "decoded")


@pytest.mark.parametrize("variant", ["real", "signed"])
def test_jpeg_decoded_by_another_decoder_is_within_the_tolerance(jvm, variant, tmp_path):
    _within_the_tolerance(jvm, f"com.example.{variant}", tmp_path)


def _within_the_tolerance(jvm, package, tmp_path):
    bundle, artifact = jvm.bundles[package]
    with opened(bundle) as found:
        for photo in (found.folder / "golden").iterdir():
            if photo.suffix == ".jpg":
                (tmp_path / photo.name).write_bytes(photo.read_bytes())
                turn = Image.open(photo).getexif().get(0x0112, 1)
                (tmp_path / f"{photo.name}.turn").write_text(str(turn))
            elif photo.suffix == ".png":
                _raw(photo, tmp_path / f"{photo.name}.raw")
        done = jvm.replay(package, tmp_path, tmp_path / "out")
        assert done.returncode == 0, done.stderr
        assert (tmp_path / "out" / "faults.txt").read_text() == ""
        checked = hold(found, expected(found, artifact, "--artifact"), _log(tmp_path / "out" / "log.json", found))
        assert checked.same, [image.says for image in checked.images]


def test_a_wrong_network_and_a_photo_that_is_not_turned_are_told(jvm, tmp_path):
    package = "com.example.real"
    bundle, artifact = jvm.bundles[package]
    with opened(bundle) as found:
        for photo in (found.folder / "golden").iterdir():
            if photo.suffix != ".json":
                _raw(photo, tmp_path / f"{photo.name}.raw")
        forgetful = tmp_path / "turned6.jpg.raw"
        data = bytearray(forgetful.read_bytes())
        data[8:12] = struct.pack(">i", 1)
        forgetful.write_bytes(data)
        assert jvm.replay(package, tmp_path, tmp_path / "out").returncode == 0
        faults = (tmp_path / "out" / "faults.txt").read_text().splitlines()
        assert len(faults) == 1 and faults[0].startswith("turned6.jpg: the input is off by ")
        wrong = (tmp_path / "out" / "wrong.txt").read_text()
        assert wrong.count("a probability is off by") == 13
        log = json.loads((tmp_path / "out" / "wrong.json").read_text())
        assert log["images"][0]["probabilities"] == pytest.approx([0.0, 0.01, 0.02, 0.03, 0.04])
        checked = hold(found, expected(found, artifact, "--artifact"), _log(tmp_path / "out" / "log.json", found))
        assert [image.file for image in checked.images if image.first != "same"] == ["turned6.jpg"]
