"""Every mistake does what its name says: known answers on pictures small enough to work out."""

import io

import numpy as np
import pytest
from PIL import Image

from edgetl import registry
from edgetl.mistakes._base import STAGES, Given
from edgetl.types import Preprocess

CLASSES = ("Pear", "apple", "fig 10", "fig 9")


def _given(dtype="float32", layout="NHWC", resize_px=4, crop_px=4, classes=CLASSES):
    return Given(preprocess=Preprocess(resize_px=resize_px, crop_px=crop_px), dtype=dtype, layout=layout, class_names=classes)


def _way(name, way="", given=None):
    return registry.load("mistakes", name).ways(given or _given())[way]


@pytest.mark.parametrize("name", registry.names("mistakes"))
def test_each_says_its_stage_and_what_to_do(name):
    module = registry.load("mistakes", name)
    assert module.STAGE in STAGES
    assert module.TITLE.endswith(".") and module.REMEDY.endswith(".")
    assert module.ways(_given()) or name == "wrong_integers"


def test_exif_is_ignored():
    exif = Image.Exif()
    exif[0x0112] = 6
    data = io.BytesIO()
    Image.new("RGB", (30, 20)).save(data, "JPEG", exif=exif)
    assert _way("exif_ignored")(data.getvalue()).size == (30, 20)


STRIPES = Image.fromarray(np.repeat(np.arange(16, dtype=np.uint8)[None, :, None] * 10, 16, axis=0).repeat(3, axis=2))
"""16 × 16; column x is 10 x."""


@pytest.mark.parametrize(
    ("name", "way", "columns"),
    [
        ("nearest", "centre", [20, 60, 100, 140]),
        ("nearest", "corner", [0, 40, 80, 120]),
        ("area", "", [15, 55, 95, 135]),
        ("area", "whole pixels", [15, 55, 95, 135]),
        ("bilinear_without_antialias", "centres", [15, 55, 95, 135]),
        ("bilinear_without_antialias", "corners", [0, 40, 80, 120]),
        ("bilinear_without_antialias", "aligned corners", [0, 50, 100, 150]),
        ("other_crop", "without resizing", [60, 70, 80, 90]),
    ],
)
def test_resizes(name, way, columns):
    found = _way(name, way)(STRIPES, Preprocess(resize_px=4, crop_px=4))
    assert (found.shape, found.dtype) == ((4, 4, 3), np.uint8)
    assert found[2, :, 1].tolist() == columns


def test_resizes_of_long_photos():
    wide = STRIPES.crop((0, 0, 16, 8))
    spec = Preprocess(resize_px=4, crop_px=4)
    assert _way("squash")(wide, spec).shape == (4, 4, 3)
    boxed = _way("letterbox", "grey")(wide, spec)
    assert (boxed[0] == 114).all() and (boxed[3] == 114).all() and boxed[1, 0, 0] < boxed[1, 3, 0]
    assert _way("other_crop", "from the corner")(wide, spec)[0, :, 0].max() < 100
    whole = _way("other_crop", "without the margin", _given(resize_px=8))(STRIPES, Preprocess(resize_px=8, crop_px=4))
    assert whole[0, 0, 0] < 25
    assert _way("other_filter", "lanczos")(STRIPES, spec).shape == (4, 4, 3)


PIXELS = np.arange(48, dtype=np.uint8).reshape(4, 4, 3) * 5


@pytest.mark.parametrize(
    ("name", "way", "first"),
    [
        ("bgr", "", [10, 5, 0]),
        ("turned", "mirrored", PIXELS[0, 3].tolist()),
        ("turned", "180°", PIXELS[3, 3].tolist()),
        ("turned", "90° clockwise", PIXELS[3, 0].tolist()),
        ("turned", "90° anticlockwise", PIXELS[0, 3].tolist()),
    ],
)
def test_pixels(name, way, first):
    assert _way(name, way)(PIXELS)[0, 0].tolist() == first


def test_transposed():
    assert np.array_equal(_way("transposed")(PIXELS)[1, 3], PIXELS[3, 1])


@pytest.mark.parametrize(
    ("name", "way", "value"),
    [
        ("no_division", "", 235.0),
        ("range_0_1", "0 to 1", 235 / 255),
        ("double_scaling", "after / 255", (235 / 255 - 128) / 127.5),
        ("double_scaling", "twice", ((235 - 128) / 127.5 - 128) / 127.5),
        ("scale_off", "doubled", 2 * (235 - 128) / 127.5),
        ("scale_off", "halved", 0.5 * (235 - 128) / 127.5),
        ("imagenet_means", "torch", (235 / 255 - 0.406) / 0.225),
        ("imagenet_means", "caffe in RGB", 235 - 103.939),
    ],
)
def test_values(name, way, value):
    found = _way(name, way)(PIXELS)
    assert found.dtype == np.float32
    assert found[3, 3, 2] == pytest.approx(value, rel=1e-5)
    assert registry.load("mistakes", name).ways(_given("image")) == {}


def test_caffe_gives_blue_first():
    assert _way("imagenet_means", "caffe")(PIXELS)[3, 3, 0] == pytest.approx(235 - 103.939)


def test_the_reverse_range():
    given = Given(
        preprocess=Preprocess(resize_px=4, crop_px=4, mean=0.0, std=255.0), dtype="float32", layout="NHWC", class_names=CLASSES
    )
    assert set(registry.load("mistakes", "range_0_1").ways(given)) == {"-1 to 1"}


def test_values_of_integer_inputs_go_through_scale_and_zero_point():
    assert _way("range_0_1", "0 to 1", _given("int8"))(PIXELS)[3, 3, 2] == round(235 / 2)
    assert _way("no_division", "", _given("uint8"))(PIXELS)[3, 3, 2] == 255
    assert _way("wrong_integers", "other sign", _given("int8"))(PIXELS)[3, 3, 2] == 235 - 256
    assert _way("wrong_integers", "other sign", _given("uint8"))(PIXELS)[3, 3, 2] == 235 - 128
    assert _way("wrong_integers", "other sign", _given("uint8"))(PIXELS)[0, 0, 0] == 128
    assert set(np.unique(_way("wrong_integers", "0 to 1 cut", _given("uint8"))(PIXELS))) == {0}
    assert registry.load("mistakes", "wrong_integers").ways(_given()) == {}


@pytest.mark.parametrize("layout", ["NHWC", "NCHW"])
def test_channels_first(layout):
    found = _way("channels_first", "", _given(layout=layout))(PIXELS)
    if layout == "NHWC":  # the file reads pixel by pixel what was written plane by plane
        assert found.reshape(-1)[:16].tolist() == PIXELS[..., 0].reshape(-1).tolist()
    else:
        assert found.transpose(2, 0, 1).reshape(-1).tolist() == PIXELS.reshape(-1).tolist()


def test_labels():
    answers = np.array([[0.7, 0.1, 0.05, 0.15]], np.float32)
    assert _way("labels_shifted", "next name")(answers).argmax() == 1
    assert _way("labels_shifted", "name before")(answers).argmax() == 3
    assert _way("labels_sorted", "backwards")(answers).argmax() == 3
    # without case: apple, fig 10, fig 9, Pear; the app calls class 0 "apple"
    assert _way("labels_sorted", "without case")(answers).argmax() == 1
    assert "by code point" not in registry.load("mistakes", "labels_sorted").ways(_given())
