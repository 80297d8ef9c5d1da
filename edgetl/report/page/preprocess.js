/**
 * Pixels of a decoded photo → the input tensor: the same steps, in the same arithmetic, as `edgetl/preprocess.py`.
 *
 * Pure functions on plain arrays, without a page: they run in a browser, in a worker and in node. Decoding (the first frame,
 * upright by EXIF, no colour management) is the caller's: `createImageBitmap(blob, {colorSpaceConversion: "none"})`.
 *
 * A photo is `{data, width, height}` with RGBA bytes, as ImageData holds them, alpha not multiplied in. `preprocess` is the content
 * of a bundle's preprocess.json: `resize_px, crop_px, interpolation, mean, std`.
 *
 * The resize is Pillow's: a filter as wide as the shrinking asks for, weights in fixed point with 22 bits, two passes, rounded to
 * bytes between them. Source: src/libImaging/Resample.c, Geometry.c (nearest) and AlphaComposite.c of Pillow.
 */

const PRECISION_BITS = 22; // 32 bits less 8 of a pixel and 2 of weights beyond 1
const HALF = 2 ** (PRECISION_BITS - 1);
const LONGEST_TO_SHORTEST = 50; // as edgetl.preprocess.fit

const FILTERS = {
  bilinear: { support: 1, weight: (x) => Math.max(0, 1 - Math.abs(x)) },
  bicubic: {
    support: 2,
    weight(place) {
      const a = -0.5;
      const x = Math.abs(place);
      if (x < 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
      return x < 2 ? (((x - 5) * x + 8) * x - 4) * a : 0;
    },
  },
};

/** Size of the whole photo after the resize: the shorter side is `resizePx`, the longer in proportion, rounded half up. */
export function resizedSize(width, height, resizePx) {
  const shorter = Math.min(width, height);
  return [width, height].map((side) => Math.floor((2 * side * resizePx + shorter) / (2 * shorter)));
}

/** RGBA bytes → RGBA bytes over white, all opaque; the same array when nothing is transparent. */
export function overWhite(rgba) {
  let at = 3;
  while (at < rgba.length && rgba[at] === 255) at += 4;
  if (at >= rgba.length) return rgba;
  const solid = new Uint8ClampedArray(rgba.length);
  for (let i = 0; i < rgba.length; i += 4) {
    const own = rgba[i + 3] * 128;
    const white = 255 * 128 - own;
    for (let channel = 0; channel < 3; channel++) {
      const sum = rgba[i + channel] * own + 255 * white + 128 * 128;
      solid[i + channel] = (((sum >> 8) + sum) >> 8) >> 7;
    }
    solid[i + 3] = 255;
  }
  return solid;
}

/** For each of `count` places from `first` on, of `outSize`: which pixels of a line count, and how much. */
function filtered(inSize, outSize, first, count, { support, weight }) {
  const scale = inSize / outSize;
  const wide = Math.max(scale, 1);
  const reach = support * wide;
  return Array.from({ length: count }, (_, number) => {
    const centre = (first + number + 0.5) * scale;
    const from = Math.max(0, Math.trunc(centre - reach + 0.5));
    const to = Math.min(inSize, Math.trunc(centre + reach + 0.5));
    const exact = new Float64Array(to - from);
    let sum = 0;
    for (let i = 0; i < exact.length; i++) {
      exact[i] = weight((i + from - centre + 0.5) * (1 / wide));
      sum += exact[i];
    }
    const fixed = exact.map((value) => {
      const whole = (sum === 0 ? value : value / sum) * 2 ** PRECISION_BITS;
      return Math.trunc(whole < 0 ? whole - 0.5 : whole + 0.5);
    });
    return { from, weights: fixed };
  });
}

/** For each of `count` places from `first` on: the one pixel of a line that stands there. The sum is carried on, as Pillow does. */
function nearest(inSize, outSize, first, count) {
  const scale = inSize / outSize;
  const found = [];
  for (let number = 0, place = scale * 0.5; number < first + count; number++, place += scale) {
    if (number >= first) found.push({ from: Math.min(inSize - 1, Math.trunc(place)), weights: [2 ** PRECISION_BITS] });
  }
  return found;
}

/**
 * Whether rows are shrunk before columns. Pillow does so from 13.0 on where that is quicker; until then never. (The rounding
 * between the passes differs then, by at most one level of 255. The rule is as found by trying 500 sizes, none of which differed.)
 */
function downFirst(width, height, wide, high) {
  return height - high > 2 * Math.max(0, width - wide);
}

/**
 * One pass: a picture `{data, channels, width}` → RGB, `lines` long along one axis, places `from` to `to` of the other.
 * `origin` is the pixel of the photo with which the picture begins, along that axis.
 */
function pass({ data, channels, width }, lines, along, from, to, origin = 0) {
  const [step, across] = along === "x" ? [channels, width * channels] : [width * channels, channels];
  const [wide, high] = along === "x" ? [lines.length, to - from] : [to - from, lines.length];
  const found = new Uint8ClampedArray(wide * high * 3);
  for (let place = 0; place < to - from; place++) {
    for (let line = 0; line < lines.length; line++) {
      const { from: first, weights } = lines[line];
      let red = HALF;
      let green = HALF;
      let blue = HALF;
      for (let i = 0, at = (first - origin) * step + (from + place) * across; i < weights.length; i++, at += step) {
        red += data[at] * weights[i];
        green += data[at + 1] * weights[i];
        blue += data[at + 2] * weights[i];
      }
      const goal = (along === "x" ? place * wide + line : line * wide + place) * 3;
      found[goal] = red >> PRECISION_BITS; // stored clamped to 0 … 255
      found[goal + 1] = green >> PRECISION_BITS;
      found[goal + 2] = blue >> PRECISION_BITS;
    }
  }
  return { data: found, channels: 3, width: wide };
}

/** The first pixel that any of the lines needs, and the one behind the last. */
function span(lines) {
  return [Math.min(...lines.map((line) => line.from)), Math.max(...lines.map((line) => line.from + line.weights.length))];
}

/**
 * Resize and crop: what the network sees, as bytes. Only what the crop keeps is computed.
 *
 * @param {{data: Uint8ClampedArray, width: number, height: number}} photo upright, RGBA.
 * @param {object} preprocess see above.
 * @returns {Uint8ClampedArray} crop_px × crop_px × 3, RGB.
 * @throws {RangeError} it has not the shape of a photo, or the steps are not known here.
 */
export function fit(photo, preprocess) {
  const { width, height } = photo;
  const { resize_px: resizePx, crop_px: crop, interpolation } = preprocess;
  if (!(width >= 1 && height >= 1) || photo.data.length !== width * height * 4) throw new RangeError("no RGBA photo");
  if (Math.max(width, height) > LONGEST_TO_SHORTEST * Math.min(width, height)) {
    throw new RangeError(`${width} × ${height} is not the shape of a photo (sides more than ${LONGEST_TO_SHORTEST} to 1)`);
  }
  if (interpolation !== "nearest" && !(interpolation in FILTERS)) throw new RangeError(`interpolation ${interpolation} is not known`);
  const [wide, high] = resizedSize(width, height, resizePx);
  const lines = (inSize, outSize) => {
    const first = Math.floor((outSize - crop) / 2);
    if (interpolation === "nearest") return nearest(inSize, outSize, first, crop);
    return filtered(inSize, outSize, first, crop, FILTERS[interpolation]);
  };
  const columns = lines(width, wide);
  const rows = lines(height, high);
  const whole = { data: overWhite(photo.data), channels: 4, width };
  if (downFirst(width, height, wide, high)) {
    const [left, right] = span(columns);
    return pass(pass(whole, rows, "y", left, right), columns, "x", 0, crop, left).data;
  }
  const [top, bottom] = span(rows);
  return pass(pass(whole, columns, "x", top, bottom), rows, "y", 0, crop, top).data;
}

/**
 * Pixels → the values of a float32 input: `(pixel - mean) / std`, rounded as float32 after each operation.
 *
 * @param {Uint8ClampedArray} pixels from `fit`.
 * @param {object} preprocess see above.
 * @param {"NHWC" | "NCHW"} layout order of the axes that the file takes.
 * @returns {Float32Array} crop_px * crop_px * 3 values.
 */
export function tensor(pixels, preprocess, layout = "NHWC") {
  const [mean, std] = [Math.fround(preprocess.mean), Math.fround(preprocess.std)];
  const values = Float32Array.from({ length: 256 }, (_, byte) => Math.fround(byte - mean) / std);
  if (layout === "NHWC") return Float32Array.from(pixels, (byte) => values[byte]);
  if (layout !== "NCHW") throw new RangeError(`layout ${layout} is not known`);
  const size = pixels.length / 3;
  const found = new Float32Array(pixels.length);
  for (let i = 0; i < size; i++) {
    for (let channel = 0; channel < 3; channel++) found[channel * size + i] = values[pixels[i * 3 + channel]];
  }
  return found;
}

/** The `count` largest values with their places, largest first; of equal ones the first in the list. */
export function top(values, count) {
  const ordered = Array.from(values, (probability, index) => ({ index, probability }));
  return ordered.sort((a, b) => b.probability - a.probability || a.index - b.index).slice(0, count);
}
