"""Labelled images drawn by formula, for pre-training a backbone where no photograph may be downloaded.

A class is a set of formula parameters, an instance is a seeded variation of it. The idea and the fractal family
follow Kataoka et al., "Pre-training without Natural Images", ACCV 2020; the way the fractals' maps are sampled
follows Anderson & Farrell, "Improving Fractal Pre-training", WACV 2022; the radial contours follow Kataoka et al.,
"Replacing Labeled Real-image Datasets with Auto-generated Contours", CVPR 2022. Points live in the square [-1, 1]^2.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw

Floats = npt.NDArray[np.float64]
Images = npt.NDArray[np.uint8]
Family = Callable[[np.random.Generator, np.random.Generator, int], Floats]

_CLASS_STREAM: Final = 20201130
"""First word of the seed sequence of a class's parameters."""
_INSTANCE_STREAM: Final = 20220621
"""First word of the seed sequence of an instance's variation."""
_MAX_TURN: Final = np.pi / 6
"""Largest rotation of an instance against its class, radians; classes that differ by more stay distinct."""
_LUMA: Final = np.array([0.299, 0.587, 0.114])
"""Weights of R, G and B in luma, ITU-R BT.601."""
_SUPERSAMPLING: Final = 2
"""Side of the drawing canvas per side of the image; shapes are drawn larger and averaged down."""


def _pose(points: Floats, rng: np.random.Generator) -> Floats:
    """Warp, turn, shear, scale and shift points (n, 2) the way one instance does."""
    wave = rng.uniform(1.0, 2.5, 2)
    phase = rng.uniform(0, 2 * np.pi, 2)
    warped = points + rng.uniform(0, 0.08) * np.sin(points[:, ::-1] * wave + phase)
    turn = rng.uniform(-_MAX_TURN, _MAX_TURN)
    c, s = np.cos(turn), np.sin(turn)
    matrix = np.array([[c, -s], [s, c]]) @ np.array([[1.0, rng.uniform(-0.25, 0.25)], [0.0, 1.0]])
    matrix = matrix * (rng.uniform(0.5, 0.95) * np.exp(rng.uniform(-0.2, 0.2, 2)))
    posed: Floats = warped @ matrix.T + rng.uniform(-0.18, 0.18, 2)
    return posed


def _draw(lines: Sequence[Floats], width: float, filled: bool, px: int) -> Floats:
    """Coverage (px, px), 0 to 1, of polylines `width` wide (in units of the square), or of filled polygons."""
    side = px * _SUPERSAMPLING
    canvas = Image.new("L", (side, side))
    pen = ImageDraw.Draw(canvas)
    radius = max(width * side / 4, 0.5)
    for line in lines:
        at = (line + 1) * (side / 2)
        corners = [(float(x), float(y)) for x, y in at]
        if filled:
            pen.polygon(corners, fill=255)
            continue
        pen.line(corners, fill=255, width=max(1, round(2 * radius)), joint="curve")
        for x, y in (corners[0], corners[-1]):
            pen.ellipse((x - radius, y - radius, x + radius, y + radius), fill=255)
    small = canvas.resize((px, px), Image.Resampling.BOX)
    return np.asarray(small, dtype=np.float64) / 255


def _draw_posed(lines: Sequence[Floats], rng: np.random.Generator, px: int, filled: bool = False) -> Floats:
    """Coverage (px, px) of lines that share one pose, with a random pen width."""
    posed = np.split(_pose(np.concatenate(lines), rng), np.cumsum([len(line) for line in lines])[:-1])
    return _draw(posed, rng.uniform(0.06, 0.32), filled, px)


def _glyph(own: np.random.Generator, rng: np.random.Generator, px: int) -> Floats:
    """A character of an alphabet that nobody writes: one to three straight, bent or round pen strokes."""
    t = np.linspace(0, 1, 24)[:, None]
    bernstein = np.concatenate([(1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t**2 * (1 - t), t**3], axis=1)
    lines: list[Floats] = []
    end = own.uniform(-0.9, 0.9, 2)
    for _ in range(int(own.integers(1, 4))):
        kind, joined = own.integers(0, 3), own.random() < 0.6
        start = end if joined else own.uniform(-0.9, 0.9, 2)
        if kind == 2:
            centre, radii = own.uniform(-0.35, 0.35, 2), own.uniform(0.3, 0.75, 2)
            centre, radii = centre + rng.normal(0, 0.06, 2), radii * np.exp(rng.normal(0, 0.12, 2))
            first, sweep = own.uniform(0, 2 * np.pi), own.uniform(np.pi, 2.1 * np.pi)
            angle = first + rng.normal(0, 0.12) + (sweep + rng.normal(0, 0.15)) * t
            line = centre + radii * np.concatenate([np.cos(angle), np.sin(angle)], axis=1)
        else:
            control = np.stack([start, *own.uniform(-1.2, 1.2, (2, 2)), own.uniform(-0.9, 0.9, 2)])
            if kind == 0:
                control[1:3] = control[0] + (control[3] - control[0]) * np.array([[1 / 3], [2 / 3]])
            line = bernstein @ (control + rng.normal(0, 0.07, (4, 2)))
        lines.append(line)
        end = line[-1]
    return _draw_posed(lines, rng, px)


def _contour(own: np.random.Generator, rng: np.random.Generator, px: int) -> Floats:
    """A closed contour around a centre, smooth (Fourier series of the radius) or a polygon; filled or outlined."""
    if own.random() < 0.5:
        angle = np.linspace(0, 2 * np.pi, 97)
        order = np.arange(1, 9)[:, None]
        size = own.normal(0, 0.55, (8, 1)) / order * np.exp(rng.normal(0, 0.15, (8, 1)))
        radius = 0.6 * np.exp(np.sum(size * np.cos(order * angle + own.uniform(0, 2 * np.pi, (8, 1))), axis=0) / 1.5)
        radius = radius / radius.max()
    else:
        corners = int(own.integers(3, 9))
        angle = (np.arange(corners) + own.uniform(-0.3, 0.3, corners)) * 2 * np.pi / corners
        radius = own.uniform(0.35, 1.0, corners) * np.exp(rng.normal(0, 0.06, corners))
        angle, radius = np.append(angle, angle[0]), np.append(radius, radius[0])
    line = 0.95 * np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1)
    nested = [line * scale for scale in np.linspace(1, 0.4, int(own.integers(1, 4)))]
    filled = bool(rng.random() < 0.5)
    return _draw_posed(nested[:1] if filled else nested, rng, px, filled)


def _lissajous(own: np.random.Generator, rng: np.random.Generator, px: int) -> Floats:
    """A Lissajous curve; the class fixes both frequencies and the phase between them."""
    a, b = own.integers(1, 5, 2)
    shift = own.uniform(0, np.pi) + rng.normal(0, 0.08)
    t = np.linspace(0, 2 * np.pi, 160)
    return _draw_posed([0.85 * np.stack([np.sin(a * t + shift), np.sin(b * t)], axis=1)], rng, px)


def _fractal(own: np.random.Generator, rng: np.random.Generator, px: int) -> Floats:
    """The attractor of an iterated function system of two to four affine maps, by the chaos game."""
    count = int(own.integers(2, 5))
    while True:  # Anderson & Farrell 2022: the sum of s1 + 2 s2 over the maps lies in [(5 + N) / 2, (6 + N) / 2]
        first = own.uniform(0.2, 0.95, count)
        second = first * own.uniform(0, 1, count)
        if (5 + count) / 2 <= np.sum(first + 2 * second) <= (6 + count) / 2:
            break
    turns = own.uniform(-np.pi, np.pi, (2, count)) + rng.normal(0, 0.05, (2, count))
    left, right = (np.array([[np.cos(t), -np.sin(t)], [np.sin(t), np.cos(t)]]).transpose(2, 0, 1) for t in turns)
    stretch = np.stack([first, second * own.choice([-1.0, 1.0], count)], axis=1)
    maps = left @ (stretch[:, :, None] * right)
    offsets = own.uniform(-1, 1, (count, 2)) + rng.normal(0, 0.04, (count, 2))
    chance = np.abs(np.linalg.det(maps)) + 0.02
    picks = rng.choice(count, (60, 96), p=chance / chance.sum())
    at = np.zeros((96, 2))
    orbit: list[Floats] = []
    for pick in picks:
        at = np.einsum("nij,nj->ni", maps[pick], at) + offsets[pick]
        orbit.append(at)
    points = np.concatenate(orbit[12:])
    low, high = np.percentile(points, [1, 99], axis=0)
    points = _pose((points - (low + high) / 2) / max(float((high - low).max()) / 2, 1e-6), rng)
    side = int(rng.integers(px // 2, px + 1))
    counts = np.histogram2d(points[:, 1], points[:, 0], bins=side, range=((-1, 1), (-1, 1)))[0]
    spread = Image.fromarray(np.minimum(counts / 2, 1).astype(np.float32))
    return np.asarray(spread.resize((px, px), Image.Resampling.BILINEAR), dtype=np.float64)


def _band_noise(rng: np.random.Generator, px: int, cycles: float, width: float, axis: float, lean: float) -> Floats:
    """Noise (px, px) of zero mean and unit deviation in a ring of the spectrum, drawn out along `axis` by `lean`."""
    fy, fx = np.fft.fftfreq(px)[:, None] * px, np.fft.fftfreq(px)[None, :] * px
    u, v = fx * np.cos(axis) + fy * np.sin(axis), fy * np.cos(axis) - fx * np.sin(axis)
    gain = np.exp(-(((np.hypot(u * lean, v / lean) - cycles) / (width * cycles)) ** 2) / 2)
    field = np.real(np.fft.ifft2(np.fft.fft2(rng.normal(0, 1, (px, px))) * gain))
    result: Floats = (field - field.mean()) / (field.std() + 1e-9)
    return result


def _texture(own: np.random.Generator, rng: np.random.Generator, px: int) -> Floats:
    """A texture over the whole image: crossed gratings, noise in a band, or that noise cut to spots and stripes."""
    kind, axis, other = own.integers(0, 3), own.uniform(0, np.pi), own.uniform(np.pi / 4, 3 * np.pi / 4)
    cycles, ratio = 2.5 * 4 ** own.random() * np.exp(rng.normal(0, 0.08)), own.uniform(0.7, 1.6)
    axis, lean, level = axis + rng.uniform(-_MAX_TURN, _MAX_TURN) / 2, own.uniform(1.0, 2.2), own.uniform(-0.8, 0.8)
    if kind == 0:
        y, x = (np.mgrid[0:px, 0:px] / px - 0.5) * 2 * np.pi
        one, two = (
            np.cos(c * (x * np.cos(t) + y * np.sin(t)) + rng.uniform(0, 2 * np.pi))
            for c, t in ((cycles, axis), (cycles * ratio, axis + other))
        )
        field = one + own.choice([0.0, 1.0]) * two
    else:
        field = _band_noise(rng, px, cycles, own.uniform(0.1, 0.35), axis, lean)
    sharpness = 6.0 if kind == 2 else rng.uniform(0.7, 2.0)
    result: Floats = 1 / (1 + np.exp(-sharpness * (field - level)))
    return result


_FAMILIES: Final[tuple[Family, ...]] = (
    _glyph, _contour, _glyph, _fractal, _glyph, _texture, _contour, _lissajous, _glyph, _fractal, _glyph, _contour,
)  # fmt: skip
"""Class `i` belongs to family `i` modulo their number: five twelfths glyphs, a quarter contours, and so on."""


def _paint(rng: np.random.Generator, colour: Floats, px: int, plain: float) -> Floats:
    """A surface (px, px, 3) of a colour: flat with chance `plain`, else with smooth or grainy shades."""
    surface = np.broadcast_to(colour, (px, px, 3))
    if rng.random() < plain:
        return surface
    shade = _band_noise(rng, px, 12 ** rng.random(), 0.5, rng.uniform(0, np.pi), 1.0)
    tint = np.ones(3) if rng.random() < 0.5 else rng.uniform(0, 1.5, 3)
    return surface + rng.uniform(0.02, 0.1) * shade[:, :, None] * tint


def render(class_id: int, instance_seed: int, px: int) -> Images:
    """Draw one instance of one class; the same arguments give the same image.

    Args:
        class_id: which class, 0 or more.
        instance_seed: which instance of the class, 0 or more.
        px: side of the image in pixels, at least 16.

    Returns:
        uint8 (px, px, 3), RGB.
    """
    own = np.random.default_rng([_CLASS_STREAM, class_id])
    rng = np.random.default_rng([_INSTANCE_STREAM, class_id, instance_seed])
    cover = _FAMILIES[class_id % len(_FAMILIES)](own, rng, px)
    grey = rng.random() < 0.4
    while True:  # figure and ground must differ by a quarter of the luma range, either way round
        colours = np.repeat(rng.random((2, 1)), 3, axis=1) if grey else rng.random((2, 3))
        if abs(float((colours[0] - colours[1]) @ _LUMA)) > 0.25:
            break
    plain = 0.9 if grey else 0.45
    mask = cover[:, :, None]
    image = mask * _paint(rng, colours[0], px, plain) + (1 - mask) * _paint(rng, colours[1], px, plain)
    if rng.random() < 0.3:
        image = image + rng.normal(0, rng.uniform(0.01, 0.06), image.shape)
    pixels = np.clip(np.rint(image * 255), 0, 255).astype(np.uint8)
    if rng.random() < 0.45:  # as if taken by a coarse sensor: down to px/8 or more per side and up again
        side = round(px * 2 ** rng.uniform(-3, -0.5))
        coarse = Image.fromarray(pixels).resize((side, side), Image.Resampling.BOX)
        pixels = np.asarray(coarse.resize((px, px), Image.Resampling.BILINEAR))
    return pixels


def render_batch(class_ids: Sequence[int], instance_seeds: Sequence[int], px: int) -> Images:
    """Draw several instances.

    Args:
        class_ids: class of each image.
        instance_seeds: instance of each image, as many as `class_ids`.
        px: side of the images in pixels.

    Returns:
        uint8 (n, px, px, 3), RGB.
    """
    pairs = zip(class_ids, instance_seeds, strict=True)
    return np.stack([render(class_id, seed, px) for class_id, seed in pairs])
