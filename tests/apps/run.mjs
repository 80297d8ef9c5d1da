// Runs a generated page's modules in node, without a page. Reads {page, folder, photos: [[name, width, height]]} from standard input.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const { page, folder, photos } = JSON.parse(readFileSync(0, "utf-8"));
const at = (name) => import(pathToFileURL(join(page, name)));
const { CONTRACT } = await at("contract.js");
const { input, square } = await at("photo.js");
const { over } = await at("classifier.js");
const ort = await at("node_modules/onnxruntime-web/dist/ort.node.min.mjs");
const run = over(await ort.InferenceSession.create(readFileSync(join(page, CONTRACT.model)), { executionProviders: ["wasm"] }), ort);
const answers = [];
for (const [name, width, height] of photos) {
  const pixels = square({ data: new Uint8ClampedArray(readFileSync(join(folder, `${name}.rgba`))), width, height });
  const buffer = input(pixels);
  writeFileSync(join(folder, `${name}.input`), new Uint8Array(buffer.buffer));
  answers.push(Array.from(await run(pixels)));
}
console.log(JSON.stringify({ answers, labels: CONTRACT.labels, artifact: CONTRACT.artifact }));
