const FORMS = [jpeg, png, webp, gif];

/**
 * Read the size of a photo from its header, so that a bomb is known before it is decoded.
 *
 * @param {ArrayBuffer} buffer the photo's bytes.
 * @returns {[number, number] | null} width and height; null where it is no JPEG, PNG, WebP or GIF, or ends before it says.
 */
export function declaredSize(buffer) {
  const view = new DataView(buffer);
  try {
    for (const form of FORMS) {
      const found = form(view);
      if (found) return found;
    }
  } catch (error) {
    if (!(error instanceof RangeError)) throw error; // it ends before it says
  }
  return null;
}

const text = (view, at, length) => String.fromCharCode(...new Uint8Array(view.buffer, at, length));

function jpeg(view) {
  if (view.getUint16(0) !== 0xffd8) return null;
  for (let at = 2; ; at += 2 + view.getUint16(at + 2)) {
    while (view.getUint16(at) === 0xffff) at += 1;
    const marker = view.getUint16(at);
    if (marker < 0xffc0 || marker === 0xffda) return null; // no segment; the scan, with no frame before it
    const frame = marker <= 0xffcf && ![0xffc4, 0xffc8, 0xffcc].includes(marker);
    if (frame) return [view.getUint16(at + 7), view.getUint16(at + 5)];
  }
}

function png(view) {
  return view.getUint32(0) === 0x89504e47 && text(view, 12, 4) === "IHDR" ? [view.getUint32(16), view.getUint32(20)] : null;
}

function webp(view) {
  if (text(view, 0, 4) !== "RIFF" || text(view, 8, 4) !== "WEBP") return null;
  const three = (at) => view.getUint16(at, true) + 65536 * view.getUint8(at + 2);
  switch (text(view, 12, 4)) {
    case "VP8X":
      return [three(24) + 1, three(27) + 1];
    case "VP8L":
      return [(view.getUint32(21, true) & 0x3fff) + 1, ((view.getUint32(21, true) >> 14) & 0x3fff) + 1];
    default:
      return [view.getUint16(26, true) & 0x3fff, view.getUint16(28, true) & 0x3fff];
  }
}

function gif(view) {
  return text(view, 0, 4) === "GIF8" ? [view.getUint16(6, true), view.getUint16(8, true)] : null;
}
