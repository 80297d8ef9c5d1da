"""The page's preprocessing, run in node, is the one that trains: to the bit, on all shapes."""

from __future__ import annotations

import json
import runpy
import subprocess
from pathlib import Path

import numpy as np
import PIL
import pytest
from PIL import Image

from edgetl.preprocess import fit, normalise
from edgetl.types import Preprocess

CLIENTS = Path(__file__).parents[2] / "clients"
MODULE = Path(__file__).parents[3] / "edgetl" / "report" / "page" / "preprocess.js"
SIZES = [
    (1, 1),
    (2, 3),
    (7, 5),
    (32, 32),
    (33, 31),
    (64, 200),
    (223, 225),
    (224, 224),
    (301, 97),
    (500, 10),
    (240, 600),
    (1023, 769),
]
SQUARES = [(8, 8), (32, 32), (40, 32), (256, 224), (97, 96)]


def _cases() -> list[tuple[Image.Image, Preprocess, str]]:
    random = np.random.default_rng(7)
    found = []
    for number, size in enumerate(SIZES):
        smooth = Image.fromarray(random.integers(0, 256, (3, 4, 3), np.uint8)).resize(size, Image.Resampling.BICUBIC)
        rough = Image.fromarray(random.integers(0, 2, (size[1], size[0], 3), np.uint8) * 255)  # overshoots with bicubic
        for image in (smooth, rough):
            for kind in ("bilinear", "bicubic", "nearest"):
                resize_px, crop_px = SQUARES[number % len(SQUARES)]
                steps = Preprocess(resize_px=resize_px, crop_px=crop_px, interpolation=kind, mean=[128.0, 123.675][number % 2])
                found.append((image, steps, ["NHWC", "NCHW"][number % 2]))
    return found


def _node(folder: Path, cases: list[tuple[np.ndarray, Preprocess, str]]) -> list[tuple[np.ndarray, np.ndarray]]:
    told = []
    for number, (rgba, steps, layout) in enumerate(cases):
        (folder / f"{number}.rgba").write_bytes(rgba.tobytes())
        record = {name: getattr(steps, name) for name in ("resize_px", "crop_px", "interpolation", "mean", "std")}
        told.append({"width": rgba.shape[1], "height": rgba.shape[0], "preprocess": record, "layout": layout})
    asked = json.dumps({"module": str(MODULE), "folder": str(folder), "cases": told})
    node = runpy.run_path(str(CLIENTS / "need.py"))["node"]()
    done = subprocess.run([node, CLIENTS / "fit.mjs"], input=asked, text=True, capture_output=True, timeout=120)
    assert done.returncode == 0, done.stderr
    found = []
    for number, (_, steps, layout) in enumerate(cases):
        side = steps.crop_px
        pixels = np.frombuffer((folder / f"{number}.pixels").read_bytes(), np.uint8).reshape(side, side, 3)
        values = np.frombuffer((folder / f"{number}.tensor").read_bytes(), "<f4")
        values = values.reshape(3, side, side).transpose(1, 2, 0) if layout == "NCHW" else values.reshape(side, side, 3)
        found.append((pixels, values))
    return found


def test_pixels_and_tensors_equal_pillows_to_the_bit(tmp_path: Path) -> None:
    cases = _cases()
    given = [(np.asarray(image.convert("RGBA")), steps, layout) for image, steps, layout in cases]
    for (image, steps, _), (pixels, values) in zip(cases, _node(tmp_path, given), strict=True):
        expected = fit(image, steps)
        off = np.abs(pixels.astype(int) - expected.astype(int))
        allowed = 0 if int(PIL.__version__.split(".")[0]) >= 13 else 1  # earlier ones never shrink rows first
        assert off.max() <= allowed, f"{image.size} {steps}: {np.count_nonzero(off)} bytes differ, by up to {off.max()}"
        assert values.tobytes() == normalise(pixels, steps).tobytes(), f"{image.size} {steps}"


def test_what_is_transparent_lies_over_white(tmp_path: Path) -> None:
    random = np.random.default_rng(1)
    image = Image.fromarray(random.integers(0, 256, (64, 48, 4), np.uint8), "RGBA")
    white = Image.new("RGBA", image.size, (255, 255, 255, 255))
    steps = Preprocess(resize_px=48, crop_px=48)
    ((pixels, _),) = _node(tmp_path, [(np.asarray(image), steps, "NHWC")])
    assert (pixels == fit(Image.alpha_composite(white, image).convert("RGB"), steps)).all()


def test_what_has_not_the_shape_of_a_photo_is_refused(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="not the shape of a photo"):
        _node(tmp_path, [(np.zeros((2, 101, 4), np.uint8), Preprocess(resize_px=8, crop_px=8), "NHWC")])
