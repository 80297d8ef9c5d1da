"""A folder of photos is read as the classes of a network that exists."""

import numpy as np
import pytest
from PIL import Image

from edgetl import photos
from edgetl.errors import DataError
from edgetl.types import Preprocess


@pytest.fixture
def folder(tmp_path):
    for number, name in enumerate(("apple", "pear")):
        (tmp_path / name).mkdir()
        for i in range(4):
            Image.new("RGB", (40, 40), (100 * number, 10 * i, 0)).save(tmp_path / name / f"{i}.png")
    return tmp_path


def test_labels_are_the_networks_and_pixels_those_of_training(folder):
    found = photos.gather(folder, ("pear", "plum", "apple"))
    assert found.labels.tolist() == [2] * 4 + [0] * 4
    pixels = found.pixels(Preprocess(resize_px=32, crop_px=32))
    assert pixels.shape == (8, 32, 32, 3)
    assert np.array_equal(pixels[5, 0, 0], (100, 10, 0))


def test_a_limit_takes_the_classes_in_turn(folder):
    assert sorted(photos.gather(folder, limit=4).labels.tolist()) == [0, 0, 1, 1]


def test_one_class_is_enough_for_a_network_that_exists(folder):
    import shutil

    shutil.rmtree(folder / "apple")
    assert photos.gather(folder, ("apple", "pear")).labels.tolist() == [1] * 4
    with pytest.raises(DataError, match="only one class"):
        photos.gather(folder)
    shutil.rmtree(folder / "pear")
    with pytest.raises(DataError, match="no class folder: give one sub-folder of photos a class"):
        photos.gather(folder, ("apple", "pear"))


def test_a_class_that_the_network_lacks_is_refused(folder):
    with pytest.raises(DataError, match="does not have: pear"):
        photos.gather(folder, ("apple",))


def test_photos_that_cannot_be_used_are_named(folder):
    (folder / "pear" / "0.png").write_bytes(b"no image")
    with pytest.raises(DataError, match="pear/0.png"):
        photos.gather(folder).pixels(Preprocess(resize_px=32, crop_px=32))
