"""Bytes of a photo → pixels → input tensor: the one implementation that trains, verifies, times and ships.

Steps, in order: (1) refuse what is too large or of an unknown kind, by the header; (2) decode the first frame; (3) turn by the
EXIF orientation; (4) to 8-bit RGB: grey is repeated, palettes are looked up, alpha is composited over white, CMYK is
converted by Pillow, 16-bit grey is divided by 257, wider integers and floats are refused; (5) resize; (6) centre crop;
(7) `(pixel - mean) / std` in float32.
"""

from __future__ import annotations

import io
import json
import warnings
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageOps

from edgetl.rowfile import RowFile
from edgetl.types import Preprocess

Image.init()  # once, before threads: Pillow registers its formats on first use
FORMATS = tuple(f for f in ("JPEG", "PNG", "WEBP", "BMP", "GIF", "TIFF", "AVIF") if f in Image.OPEN)
"""What phones and cameras write (MPO comes with JPEG). Pillow reads many more; each further parser is one more way in."""
MAX_PIXELS = 100_000_000
"""Largest image that is decoded; half of the largest sensor's 200 million, ten times a usual photo."""
MAX_BYTES = 200_000_000
"""Largest encoded image that is read."""
MAX_SIDE = 32_768
"""Longest side that is decoded."""

_ORIENTATION = 0x0112
"""EXIF 2.32, table 4."""
_FILTERS = {
    "bilinear": Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC,
    "nearest": Image.Resampling.NEAREST,
}


class ImageFault(ValueError):
    """An image that cannot be used; the message is the reason, short and plain."""


def decode(data: bytes, *, upright: bool = True) -> Image.Image:
    """Decode an encoded image to upright RGB.

    Args:
        data: the file's bytes.
        upright: turn it by its EXIF orientation. False is what an app does that forgets it; nothing of edgetl trains so.

    Returns:
        Pillow image, mode RGB.

    Raises:
        ImageFault: too large, of a kind that is not read, damaged, or in a mode without a defined conversion.
    """
    if len(data) > MAX_BYTES:
        raise ImageFault(f"larger than {MAX_BYTES} bytes")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            image = Image.open(io.BytesIO(data), formats=FORMATS)
    except Image.DecompressionBombError as error:
        raise ImageFault(f"more pixels than are decoded ({MAX_PIXELS:,})") from error
    except Exception as error:  # noqa: BLE001 - Pillow's parsers raise a dozen kinds on damaged files
        raise ImageFault("not an image of a known kind, or its header is damaged") from error
    width, height = image.size
    if width < 1 or height < 1:
        raise ImageFault(f"has no pixels ({width} × {height})")
    if width * height > MAX_PIXELS or max(width, height) > MAX_SIDE:
        raise ImageFault(f"{width} × {height} : more pixels than are decoded ({MAX_PIXELS:,} in all, {MAX_SIDE:,} a side)")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            image.load()
            return _to_rgb(_upright(image) if upright else image)
    except ImageFault:
        raise
    except Exception as error:  # noqa: BLE001 - as above
        raise ImageFault(f"damaged: {' '.join(str(error).split())[:120] or type(error).__name__}") from error


def _upright(image: Image.Image) -> Image.Image:
    """Apply the EXIF orientation; a damaged EXIF block counts as none."""
    try:
        return ImageOps.exif_transpose(image)
    except Exception:  # noqa: BLE001 - the pixels are fine, the note beside them is not
        return image


def _to_rgb(image: Image.Image) -> Image.Image:
    """Convert any mode to RGB by the rules in the module's docstring."""
    if image.mode in ("RGB", "L", "1", "CMYK", "YCbCr", "LAB", "HSV") and "transparency" not in image.info:
        return image.convert("RGB")
    if image.mode.startswith("I;16") or image.mode == "I":
        values = np.asarray(image).astype(np.int64)
        if values.min() < 0 or values.max() > 65535:
            raise ImageFault("integers wider than 16 bits")
        return Image.fromarray((values // 257).astype(np.uint8)).convert("RGB")
    if image.mode == "F":
        raise ImageFault("floating-point pixels, which have no agreed white")
    rgba = image.convert("RGBA")
    white = Image.new("RGBA", rgba.size, (255, 255, 255, 255))
    return Image.alpha_composite(white, rgba).convert("RGB")


def to_pixels(data: bytes, preprocess: Preprocess) -> np.ndarray:
    """Turn an encoded image into the square the network sees: `decode`, then `fit`.

    Args:
        data: the file's bytes.
        preprocess: the sizes.

    Returns:
        uint8 (crop_px, crop_px, 3), RGB.

    Raises:
        ImageFault: the image cannot be used.
    """
    return fit(decode(data), preprocess)


def fit(image: Image.Image, preprocess: Preprocess) -> np.ndarray:
    """Resize and crop a decoded image.

    The shorter side becomes `resize_px`, the longer one in proportion, rounded half up; then the centre `crop_px` square is cut
    out, its left and upper margins rounded down.

    Args:
        image: upright RGB.
        preprocess: the sizes.

    Returns:
        uint8 (crop_px, crop_px, 3), RGB.

    Raises:
        ImageFault: it has not the shape of a photo.
    """
    width, height = image.size
    shorter = min(width, height)
    if max(width, height) > 50 * shorter:
        raise ImageFault(f"{width} × {height} is not the shape of a photo (sides more than 50 to 1)")
    size = tuple((2 * side * preprocess.resize_px + shorter) // (2 * shorter) for side in (width, height))
    image = image.resize((size[0], size[1]), _FILTERS[preprocess.interpolation])
    left, upper = (size[0] - preprocess.crop_px) // 2, (size[1] - preprocess.crop_px) // 2
    return np.asarray(image.crop((left, upper, left + preprocess.crop_px, upper + preprocess.crop_px)))


def header(data: bytes) -> dict[str, Any]:
    """What an image file says of itself, as it lies there.

    Args:
        data: the file's bytes.

    Returns:
        `width`, `height` (in pixels, before it is turned upright), `mode` (Pillow's), `turned` (whether EXIF says that it is to
        be turned or mirrored).

    Raises:
        ImageFault: it has no header that can be read.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            image = Image.open(io.BytesIO(data), formats=FORMATS)
            turned = image.getexif().get(_ORIENTATION, 1) not in (0, 1)
    except Exception as error:  # noqa: BLE001 - as in `decode`
        raise ImageFault("its header cannot be read") from error
    return {"width": image.width, "height": image.height, "mode": image.mode, "turned": turned}


def normalise(pixels: np.ndarray, preprocess: Preprocess) -> np.ndarray:
    """Turn pixels into the values of the input tensor.

    Args:
        pixels: uint8 (..., 3).
        preprocess: mean and std.

    Returns:
        float32, the same shape: `(pixel - mean) / std`.
    """
    return (pixels.astype(np.float32) - np.float32(preprocess.mean)) / np.float32(preprocess.std)


def describe(preprocess: Preprocess) -> list[str]:
    """Say in words what an app must do to a photo, step by step.

    Args:
        preprocess: the sizes and constants.

    Returns:
        One sentence a step.
    """
    p = preprocess
    return [
        "Decode the first frame of the photo.",
        "Turn and mirror it as its EXIF orientation says.",
        "Convert it to 8-bit RGB: repeat grey, composite alpha over white, divide 16-bit grey by 257.",
        f"Resize it so that the shorter side has {p.resize_px} pixels ({p.interpolation}, with antialiasing when it shrinks); "
        "round the longer side to the nearest pixel.",
        f"Cut out the centre {p.crop_px} × {p.crop_px} pixels; odd margins are rounded down at the left and at the top.",
        f"Compute ({p.channel_order} value - {p.mean:g}) / {p.std:g} as float32, layout height × width × channel. "
        "(A file with uint8 input takes the values as they are, one with int8 input the values less 128, one that was made "
        "with normalise: graph the values as they are, as float32. "
        "Core ML: skip this step; the package takes the image and does it itself.)",
    ]


def load_index(folder: Path) -> dict[str, Any]:
    """Read the list of prepared images.

    Args:
        folder: a finished `prepare` step.

    Returns:
        `class_names`, `label_sets` (None = one label an image), `images` (name, class_index, split, sha256, row in pixels.npy; in
        the order of labels.npy), `skipped`, `warnings`, `licence`.
    """
    index: dict[str, Any] = json.loads((folder / "index.json").read_text(encoding="utf-8"))
    return index


def load_label_sets(folder: Path) -> np.ndarray | None:
    """Read which sets of labels there are.

    Args:
        folder: a finished `prepare` step.

    Returns:
        bool (sets, classes), row i for the images whose label is i; None where each image has one label.
    """
    index = load_index(folder)
    if index["label_sets"] is None:
        return None
    found = np.zeros((len(index["label_sets"]), len(index["class_names"])), bool)
    for row, labels in enumerate(index["label_sets"]):
        found[row, labels] = True
    return found


def load_split(folder: Path, split: str) -> tuple[RowFile, np.ndarray]:
    """Open the prepared images of one split; pixels are read from disk when they are asked for.

    Args:
        folder: a finished `prepare` step.
        split: `train`, `val`, `test` or `unlabelled`.

    Returns:
        uint8 (N, crop_px, crop_px, 3) on disk, and int64 (N,) class numbers, or those of label sets
        (of `unlabelled`: all -1).
    """
    own = [(place, image["row"]) for place, image in enumerate(load_index(folder)["images"]) if image["split"] == split]
    places, rows = np.array(own, np.int64).reshape(-1, 2).T
    labels: np.ndarray = np.load(folder / "labels.npy", allow_pickle=False)[places]
    return RowFile(folder / "pixels.npy", rows), labels
