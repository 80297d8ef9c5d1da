"""`edgetl data preview`: one row a photo, the photo itself first, its copies changed as the recipe says."""

import numpy as np
from PIL import Image


def test_the_picture_shows_each_photo_and_its_copies(tiny, edgetl, tmp_path):
    recipe = tiny("tflite/fp32")
    options = ("--out", "p.png", "--photos", "3", "--copies", "4")
    done = edgetl("data", "preview", recipe, "--set", "augment={brightness: 0.4}", *options)
    assert done.returncode == 0, done.stderr
    with Image.open(tmp_path / "p.png") as picture:
        pixels = np.asarray(picture).astype(float)
    assert pixels.shape == (3 * 34, 5 * 34, 3)
    tiles = pixels.reshape(3, 34, 5, 34, 3)[:, :32, :, :32].mean(axis=(1, 3))  # (photo, copy, channel)
    assert [int(tile.argmax()) for tile in tiles[:, 0]] == [2, 1, 0]  # blue, green, red
    gains = tiles[:, 1:].sum(axis=-1) / tiles[:, :1].sum(axis=-1)
    assert (np.abs(gains - 1.0) > 0.02).mean() > 0.6
    assert gains.min() > 0.55 and gains.max() < 1.45


def test_a_recipe_that_changes_nothing_has_no_preview(tiny, edgetl, tmp_path):
    done = edgetl("data", "preview", tiny("tflite/fp32"))
    assert done.returncode == 2
    assert "has no 'augment' section" in done.stderr
    assert not (tmp_path / "preview.png").exists()
