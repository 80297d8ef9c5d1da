"""Bytes to tensor, with known answers; hostile files end in ImageFault and in nothing else."""

import io
import random
import struct
import time
import zlib

import numpy as np
import pytest
from PIL import Image

from edgetl.preprocess import ImageFault, decode, describe, normalise, to_pixels
from edgetl.types import Preprocess

ORIENTED = {
    1: None,
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}
"""How to lay down an upright picture so that the EXIF orientation of the same number puts it up again."""


def _bytes(image, kind="PNG", **options):
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def _picture(width=6, height=4):
    rng = np.random.default_rng(0)
    return Image.fromarray(rng.integers(0, 256, (height, width, 3), np.uint8))


@pytest.mark.parametrize("orientation", ORIENTED)
def test_every_exif_orientation_comes_out_upright(orientation):
    upright = _picture()
    exif = Image.Exif()
    exif[0x0112] = orientation
    laid = upright if ORIENTED[orientation] is None else upright.transpose(ORIENTED[orientation])
    assert np.array_equal(np.asarray(decode(_bytes(laid, exif=exif))), np.asarray(upright))


def test_real_rotated_photos_come_out_alike(material):
    spec = Preprocess(resize_px=32, crop_px=32)
    folder = material / "hostile" / "images" / "exif_orientation"
    photos = [to_pixels((folder / f"Portrait_{n}.jpg").read_bytes(), spec).astype(int) for n in range(9)]
    for photo in photos[1:]:
        assert np.abs(photo - photos[0]).mean() < 8


MODES = {
    "grey": (Image.new("L", (2, 2), 77), (77, 77, 77)),
    "one bit": (Image.new("1", (2, 2), 1), (255, 255, 255)),
    "palette": (Image.new("RGB", (2, 2), (10, 20, 30)).convert("P", palette=Image.Palette.ADAPTIVE), (10, 20, 30)),
    "grey with alpha": (Image.new("LA", (2, 2), (0, 128)), (127, 127, 127)),
    "alpha": (Image.new("RGBA", (2, 2), (255, 0, 0, 0)), (255, 255, 255)),
    "half alpha": (Image.new("RGBA", (2, 2), (255, 0, 0, 128)), (255, 127, 127)),
    "16 bit": (Image.fromarray(np.full((2, 2), 257 * 9, np.uint16)), (9, 9, 9)),
    "16 bit white": (Image.fromarray(np.full((2, 2), 65535, np.uint16)), (255, 255, 255)),
}


@pytest.mark.parametrize("mode", MODES)
def test_each_mode_becomes_rgb_by_its_rule(mode):
    image, wanted = MODES[mode]
    assert np.asarray(decode(_bytes(image)))[0, 0].tolist() == list(wanted)


def test_cmyk_and_transparent_palette(material):
    assert np.asarray(decode(_bytes(Image.new("CMYK", (8, 8), (0, 0, 0, 0)), "TIFF"))).min() == 255
    see_through = Image.new("P", (2, 2), 0)
    see_through.putpalette([200, 0, 0, 0, 200, 0])
    assert np.asarray(decode(_bytes(see_through, transparency=0)))[0, 0].tolist() == [255, 255, 255]


def test_floating_point_pixels_are_refused():
    with pytest.raises(ImageFault, match="floating-point pixels"):
        decode(_bytes(Image.new("F", (2, 2), 0.5), "TIFF"))


def test_the_shorter_side_is_resized_and_the_centre_kept():
    columns = np.repeat(np.arange(0, 80, 10, dtype=np.uint8)[None, :, None], 4, axis=0).repeat(3, axis=2)
    pixels = to_pixels(_bytes(Image.fromarray(columns)), Preprocess(resize_px=4, crop_px=4))
    assert pixels[0, :, 0].tolist() == [20, 30, 40, 50]
    odd = to_pixels(_bytes(Image.fromarray(columns)), Preprocess(resize_px=4, crop_px=3))
    assert odd[0, :, 0].tolist() == [20, 30, 40]
    half = to_pixels(_bytes(Image.fromarray(columns)), Preprocess(resize_px=2, crop_px=2, interpolation="nearest"))
    assert half.shape == (2, 2, 3)


def test_normalising_is_one_subtraction_and_one_division():
    spec = Preprocess(resize_px=1, crop_px=1)
    assert normalise(np.array([0, 51, 255], np.uint8), spec).tolist() == pytest.approx([-128 / 127.5, -77 / 127.5, 127 / 127.5])
    assert normalise(np.zeros(1, np.uint8), spec).dtype == np.float32
    assert spec.input_range == (-128 / 127.5, 127 / 127.5)
    assert "value - 128) / 127.5" in describe(spec)[-1]


def test_every_hostile_file_decodes_or_is_refused_quickly(material):
    spec = Preprocess(resize_px=32, crop_px=32)
    files = sorted(p for p in (material / "hostile" / "images" / "pillow").iterdir() if p.name != "LICENSE")
    decoded = 0
    for path in files:
        begun = time.monotonic()
        try:
            assert to_pixels(path.read_bytes(), spec).shape == (32, 32, 3)
            decoded += 1
        except ImageFault as fault:
            assert str(fault)
        assert time.monotonic() - begun < 5, path.name
    assert 10 < decoded < len(files)


@pytest.mark.parametrize("side", [10_001, 60_000])
def test_a_pixel_bomb_is_refused_by_its_header(side):
    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    chunk = b"IHDR" + header
    data = b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + chunk + struct.pack(">I", zlib.crc32(chunk))
    with pytest.raises(ImageFault, match="more pixels than are decoded"):
        decode(data + b"\0\0\0\0IDAT")


def test_a_ribbon_is_refused():
    with pytest.raises(ImageFault, match="not the shape of a photo"):
        to_pixels(_bytes(Image.new("RGB", (3000, 1))), Preprocess(resize_px=32, crop_px=32))


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF", "TIFF", "BMP"])
def test_damage_ends_in_a_fault_and_in_nothing_else(kind):
    data = _bytes(_picture(40, 30), kind)
    spec = Preprocess(resize_px=16, crop_px=16)
    with pytest.raises(ImageFault):
        to_pixels(data[: len(data) // 2], spec)
    rng = random.Random(0)
    for _ in range(120):
        broken = bytearray(data)
        for _ in range(rng.randint(1, 8)):
            broken[rng.randrange(len(broken))] = rng.randrange(256)
        try:
            to_pixels(bytes(broken), spec)
        except ImageFault as fault:
            assert str(fault)
