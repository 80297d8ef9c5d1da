// Written by `edgetl ship app`. Do not edit: write it again instead.
import { FilesetResolver, ImageClassifier } from "./node_modules/@mediapipe/tasks-vision/vision_bundle.mjs";
import { CONTRACT } from "./contract.js";

/**
 * Load the model. Returns a function: the square's RGB bytes → one probability a class, in the order of the labels.
 *
 * MediaPipe would squash the whole photo without antialiasing; given the square at the network's own size it has nothing to resize.
 */
export async function load() {
  const root = new URL("./node_modules/@mediapipe/tasks-vision/wasm", import.meta.url).href;
  const classifier = await ImageClassifier.createFromOptions(await FilesetResolver.forVisionTasks(root), {
    baseOptions: { modelAssetPath: new URL(`./${CONTRACT.model}`, import.meta.url).href, delegate: "CPU" },
    runningMode: "IMAGE",
    maxResults: -1,
  });
  const side = CONTRACT.preprocess.crop_px;
  return async (pixels) => {
    const rgba = new Uint8ClampedArray(side * side * 4).fill(255);
    for (let i = 0; i < side * side; i++) rgba.set(pixels.subarray(3 * i, 3 * i + 3), 4 * i);
    const [{ categories }] = classifier.classify(new ImageData(rgba, side, side)).classifications;
    const found = new Float32Array(CONTRACT.labels.length);
    for (const { index, score } of categories) found[index] = score;
    return found;
  };
}
