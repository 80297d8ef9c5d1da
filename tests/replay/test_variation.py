"""Sound variations are near what edgetl makes, and are not the same."""

import io

import numpy as np
from PIL import Image

from edgetl.preprocess import to_pixels
from edgetl.replay import variation
from edgetl.types import Preprocess

SPEC = Preprocess(resize_px=48, crop_px=40)


def _photo(kind, exif=None):
    rng = np.random.default_rng(0)
    small = Image.fromarray(rng.integers(0, 256, (16, 20, 3), np.uint8)).resize((200, 160))
    data = io.BytesIO()
    small.save(data, kind, **({"exif": exif} if exif else {}))
    return data.getvalue()


def test_a_png_varies_by_the_resizer_alone():
    data = _photo("PNG")
    found = variation.variants(data, SPEC)
    assert set(found) == {"exact_resize"}
    assert np.abs(found["exact_resize"].astype(int) - to_pixels(data, SPEC)).max() == 1


def test_a_jpeg_varies_by_its_decoder_and_stays_upright():
    exif = Image.Exif()
    exif[0x0112] = 6
    for data in (_photo("JPEG"), _photo("JPEG", exif)):
        right = to_pixels(data, SPEC).astype(int)
        found = variation.variants(data, SPEC)
        assert set(found) == {"exact_resize", "jpeg_fast_transform", "jpeg_plain_colour", "jpeg_both_and_exact_resize"}
        for name, pixels in found.items():
            away = np.abs(pixels.astype(int) - right)
            assert 0 < away.max() <= 25, name
            assert away.mean() < 2.5, name


def test_bicubic_too():
    spec = Preprocess(resize_px=48, crop_px=40, interpolation="bicubic")
    data = _photo("PNG")
    assert np.abs(variation.variants(data, spec)["exact_resize"].astype(int) - to_pixels(data, spec)).max() <= 1
