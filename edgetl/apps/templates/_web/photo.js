// Written by `edgetl ship app`. Do not edit: write it again instead.
import { CONTRACT } from "./contract.js";
import { fit, tensor } from "./preprocess.js";
import { declaredSize } from "./size.js";

const MOST_BYTES = 200_000_000;
const MOST_PIXELS = 100_000_000;

function bound(width, height) {
  if (width * height > MOST_PIXELS) throw new RangeError("more pixels than are decoded");
}

/**
 * Decode a photo, unless it is a bomb: upright by its EXIF orientation, its colours as they lie in the file, transparent pixels over white.
 *
 * @param {Blob} blob the photo's bytes.
 * @returns {Promise<ImageData>}
 */
export async function decode(blob) {
  if (blob.size > MOST_BYTES) throw new RangeError("more bytes than are decoded");
  bound(...(declaredSize(await blob.arrayBuffer()) ?? [0, 0])); // of other forms the size is known once they are decoded
  const bitmap = await createImageBitmap(blob, { imageOrientation: "from-image", colorSpaceConversion: "none" });
  bound(bitmap.width, bitmap.height);
  const canvas = new OffscreenCanvas(bitmap.width, bitmap.height);
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.fillStyle = "white";
  context.fillRect(0, 0, bitmap.width, bitmap.height);
  context.drawImage(bitmap, 0, 0);
  const found = context.getImageData(0, 0, bitmap.width, bitmap.height);
  bitmap.close();
  return found;
}

/** The RGB bytes of the square that the network sees. */
export function square(photo) {
  return fit(photo, CONTRACT.preprocess);
}

/** The RGB bytes of the square → the model's input buffer, of its type and layout. */
export function input(pixels) {
  const { type, layout } = CONTRACT.input;
  if (type === "float32") return tensor(pixels, CONTRACT.preprocess, layout);
  const least = type === "int8" ? 128 : 0;
  const area = pixels.length / 3;
  const place = (i) => (layout === "NCHW" ? (i % area) * 3 + Math.floor(i / area) : i);
  return (type === "int8" ? Int8Array : Uint8Array).from(pixels, (_, i) => pixels[place(i)] - least);
}

/** One probability a class → the likeliest; where a photo may show several, those that are named. */
export function answers(probabilities, most = 5) {
  return Array.from(probabilities, (probability, i) => ({ label: CONTRACT.labels[i], probability }))
    .sort((a, b) => b.probability - a.probability)
    .slice(0, most)
    .filter((answer) => answer.probability >= (CONTRACT.named_from ?? 0));
}
