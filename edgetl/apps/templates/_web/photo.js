// Written by `edgetl ship app`. Do not edit: write it again instead.
import { CONTRACT } from "./contract.js";
import { fit, tensor } from "./preprocess.js";

export { decode } from "./decode.js";

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
