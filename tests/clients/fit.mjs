// Runs edgetl/report/page/preprocess.js on photos: reads {module, folder, cases} from standard input, writes what `fit` and `tensor` give.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const { module, folder, cases } = JSON.parse(readFileSync(0, "utf-8"));
const { fit, tensor } = await import(pathToFileURL(module));
for (const [number, { width, height, preprocess, layout }] of cases.entries()) {
  const data = new Uint8ClampedArray(readFileSync(join(folder, `${number}.rgba`)));
  const pixels = fit({ data, width, height }, preprocess);
  writeFileSync(join(folder, `${number}.pixels`), pixels);
  writeFileSync(join(folder, `${number}.tensor`), new Uint8Array(tensor(pixels, preprocess, layout).buffer));
}
