/**
 * A photo's file → its pixels, in a browser. What is no photo is told by name; a bomb is known by its header.
 *
 * Messages say what is wrong with the file, without a name and without a full stop: the page adds both.
 */
import { declaredSize } from "./size.js";

const MOST_BYTES = 200_000_000;
const MOST_PIXELS = 100_000_000;
const HEIC = /^(hei[cmsx]|hev[cmsx]|mif1|msf1)$/; // major brands of ISO 23008-12

function bound(width, height) {
  if (width * height > MOST_PIXELS) throw new RangeError(`${width} × ${height} pixels are too many (at most ${MOST_PIXELS / 1e6} million)`);
}

function unread(buffer) {
  const [kind, brand] = [4, 8].map((at) => String.fromCharCode(...new Uint8Array(buffer.slice(at, at + 4))));
  if (kind === "ftyp" && HEIC.test(brand)) return new TypeError("this browser does not read HEIC photos; save it as JPEG");
  return new TypeError("it is damaged, or no kind of photo that this browser reads");
}

/**
 * Decode a photo: upright by its EXIF orientation, its colours as they lie in the file, transparent pixels over white.
 *
 * @param {Blob} blob the photo's bytes.
 * @returns {Promise<ImageData>}
 */
export async function decode(blob) {
  if (blob.size > MOST_BYTES) throw new RangeError(`${Math.ceil(blob.size / 1e6)} MB are too many (at most ${MOST_BYTES / 1e6})`);
  const buffer = await blob.arrayBuffer().catch(() => {
    throw new TypeError("the file cannot be opened (a folder, or it has changed)");
  });
  if (!buffer.byteLength) throw new TypeError("the file is empty");
  bound(...(declaredSize(buffer) ?? [0, 0])); // of other kinds the size is known once they are decoded
  const bitmap = await createImageBitmap(blob, { imageOrientation: "from-image", colorSpaceConversion: "none", premultiplyAlpha: "none" }).catch(() => {
    throw unread(buffer);
  });
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
