// Written by `edgetl ship app`. Do not edit: write it again instead.
import { CONTRACT } from "./contract.js";
import { decode, input, square } from "./photo.js";

/**
 * Put the golden photos through the page's own code.
 *
 * @param {(pixels: Uint8ClampedArray) => Promise<Float32Array>} run the square's bytes → one probability a class.
 * @returns {Promise<{log: object, faults: string[]}>} `log` is what `edgetl golden check` reads; no faults = as verified.
 */
export async function selfTest(run) {
  const { golden, sample_at: places } = await (await fetch("./contract.json")).json();
  const level = CONTRACT.input.type === "float32" ? 1 / CONTRACT.preprocess.std : 1;
  const largest = (values) => values.reduce((most, value) => Math.max(most, value), 0); // NaN stays
  const faults = [];
  const images = [];
  for (const image of golden) {
    const path = image.file.split("/").map(encodeURIComponent).join("/");
    const pixels = square(await decode(await (await fetch(`./golden/${path}`)).blob()));
    const buffer = input(pixels);
    const samples = places.map((place) => buffer[place]);
    const away = largest(samples.map((value, i) => Math.abs(value - image.samples[i]) / level));
    if (!(away <= image.levels + 1e-3)) faults.push(`${image.file}: the input is off by ${away} levels, ${image.levels} are allowed`);
    const probabilities = Array.from(await run(pixels));
    if (image.probabilities !== null && image.tolerance !== null) {
      const off = largest(probabilities.map((value, i) => Math.abs(value - image.probabilities[i])));
      if (!(off <= image.tolerance + 1e-6)) faults.push(`${image.file}: a probability is off by ${off}, ${image.tolerance} is allowed`);
    }
    images.push({ file: image.file, tensor: { samples }, probabilities });
  }
  return { log: { schema: 1, artifact: CONTRACT.artifact, images }, faults };
}
