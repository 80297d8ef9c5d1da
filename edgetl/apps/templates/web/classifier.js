// Written by `edgetl ship app`. Do not edit: write it again instead.
import * as ort from "./node_modules/onnxruntime-web/dist/ort.wasm.bundle.min.mjs";
import { CONTRACT } from "./contract.js";
import { input } from "./photo.js";

/** Load the model. Returns a function: the square's RGB bytes → one probability a class, in the order of the labels. */
export async function load() {
  ort.env.wasm.wasmPaths = new URL("./node_modules/onnxruntime-web/dist/", import.meta.url).href;
  const response = await fetch(`./${CONTRACT.model}`);
  if (!response.ok) throw new Error(`${CONTRACT.model} cannot be read`);
  return over(await ort.InferenceSession.create(await response.arrayBuffer(), { executionProviders: ["wasm"] }), ort);
}

/** The same for a session that is there already. */
export function over(session, { Tensor }) {
  const { crop_px: side } = CONTRACT.preprocess;
  const { name, type, layout } = CONTRACT.input;
  const shape = layout === "NCHW" ? [1, 3, side, side] : [1, side, side, 3];
  return async (pixels) => {
    const found = await session.run({ [name]: new Tensor(type, input(pixels), shape) });
    const { data } = found[CONTRACT.output.name];
    if (data.length !== CONTRACT.labels.length) throw new Error(`${data.length} values for ${CONTRACT.labels.length} classes`);
    const { type: kind, scale, zero_point: zero } = CONTRACT.output;
    return Float32Array.from(data, (value) => (kind === "float32" ? value : scale * (value - zero)));
  };
}
