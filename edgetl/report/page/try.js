// "Try it": the shipped ONNX file on a photo, in this browser; and the golden photos held against the contract of the bundle.
import { decode } from "/decode.js";
import { fit, tensor, top } from "/preprocess.js";
import * as ort from "/ort/ort.wasm.min.mjs";

const SHOWN = 5;
const LEVEL = 1e-3; // of 255; samples in golden.json are rounded to 7 digits
const by = (id) => document.getElementById(id);

/** An element with words in it, and a class. */
function made(kind, words = "", name = "") {
  const element = document.createElement(kind);
  element.textContent = words;
  element.className = name;
  return element;
}

/** Photo → what the network answers, what it was given, and how long each step took, in ms. */
async function classified(blob, artifact, session) {
  const { preprocess } = artifact;
  const begun = performance.now();
  const photo = await decode(blob);
  const read = performance.now();
  const input = tensor(fit(photo, preprocess), preprocess, artifact.layout, artifact.dtype);
  const prepared = performance.now();
  const side = preprocess.crop_px;
  const shape = artifact.layout === "NCHW" ? [1, 3, side, side] : [1, side, side, 3];
  const answers = await session.run({ [session.inputNames[0]]: new ort.Tensor(artifact.dtype, input, shape) });
  const done = performance.now();
  const step = artifact.scale ?? 1;
  const values = Array.from(answers[session.outputNames[0]].data, (value) => (value - (artifact.zero_point ?? 0)) * step);
  return { input, values, width: photo.width, height: photo.height, decode: read - begun, prepare: prepared - read, run: done - prepared };
}

async function digest(buffer) {
  const hash = await crypto.subtle.digest("SHA-256", buffer);
  return Array.from(new Uint8Array(hash), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** What of the contract a golden photo keeps: its tensor, its answer. */
async function held(found, wanted, artifact) {
  const bytes = new Uint8Array(found.input.buffer, found.input.byteOffset, found.input.byteLength);
  const equal = (await digest(bytes)) === wanted.tensor_sha256;
  const levels = artifact.dtype === "float32" ? artifact.preprocess.std : 1;
  const off = Math.max(...artifact.sample_at.map((place, i) => Math.abs(found.input[place] - wanted.samples[i]) * levels));
  const same = equal || off <= wanted.levels + LEVEL;
  const known = wanted.probabilities !== null && wanted.tolerance !== null;
  const apart = known ? Math.max(...found.values.map((value, i) => Math.abs(value - wanted.probabilities[i]))) : null;
  const answer = !known || (top(found.values, 1)[0].index === top(wanted.probabilities, 1)[0].index && apart <= wanted.tolerance + 1e-6);
  return { equal, off, same, apart, answer };
}

function bar(share) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  for (const [name, value] of Object.entries({ class: "bar", viewBox: "0 0 100 8", preserveAspectRatio: "none", "aria-hidden": "true" })) svg.setAttribute(name, value);
  for (const [kind, width] of [["track", 100], ["fill", 100 * Math.min(Math.max(share, 0), 1)]]) {
    const part = document.createElementNS(svg.namespaceURI, "rect");
    for (const [name, value] of Object.entries({ class: kind, width, height: 8 })) part.setAttribute(name, value);
    svg.append(part);
  }
  return svg;
}

function show(blob, found, { classes }) {
  URL.revokeObjectURL(by("preview").src);
  by("preview").src = URL.createObjectURL(blob);
  by("top").replaceChildren(
    ...top(found.values, Math.min(SHOWN, classes.length)).map(({ index, probability }) => {
      const line = made("div", "", "line");
      line.append(made("span", classes[index]), made("span", `${(100 * probability).toFixed(1)} %`));
      const entry = made("li");
      entry.append(line, bar(probability));
      return entry;
    }),
  );
  const ms = (value, digits) => `${value.toFixed(digits)}\u00a0ms`;
  by("times").textContent =
    `${found.width} × ${found.height} px; decoded in ${ms(found.decode, 1)}, prepared in ${ms(found.prepare, 1)}, ` +
    `network ${ms(found.run, 2)} (WebAssembly, one thread, this browser).`;
  by("trouble").hidden = true;
  by("result").hidden = false;
}

/** Nothing of another photo stays when this one cannot be used. */
function trouble(blob, error) {
  by("result").hidden = true;
  by("trouble").textContent = `${blob.name ?? "This photo"} cannot be used: ${(error.message ?? String(error)).replace(/\.$/, "")}.`;
  by("trouble").hidden = false;
}

async function main() {
  const known = await (await fetch("/try.json")).json();
  ort.env.wasm.wasmPaths = { mjs: new URL("/ort/ort-wasm-simd-threaded.mjs", location).href, wasm: new URL("/ort/ort-wasm-simd-threaded.wasm", location).href };
  ort.env.wasm.numThreads = 1;
  let artifact;
  let session = null;
  let latest = null; // what was given last: {blob, note}; those that still wait when it comes are passed over
  let turn = Promise.resolve(); // one inference at a time

  const classify = (asked) => {
    latest = asked;
    by("result").ariaBusy = "true";
    by("note").textContent = "Looking…";
    turn = turn.then(async () => {
      if (asked !== latest) return;
      const { blob } = asked;
      let tell;
      try {
        if (!session) throw new Error("the network does not run here");
        const found = await classified(blob, artifact, session);
        tell = () => show(blob, found, known);
      } catch (error) {
        tell = () => trouble(blob, error);
      }
      if (asked !== latest) return;
      tell();
      by("result").ariaBusy = "false";
      by("note").textContent = asked.note;
    });
  };
  const given = ([first, ...others]) => {
    if (first) classify({ blob: first, note: others.length ? `One photo at a time: of ${1 + others.length}, this is ${first.name}.` : "" });
  };

  async function golden() {
    const results = [];
    const cards = [];
    for (const [number, wanted] of artifact.images.entries()) {
      const blob = await (await fetch(wanted.photo)).blob();
      const found = await classified(blob, artifact, session);
      const kept = await held(found, wanted, artifact);
      results.push(kept);
      const picture = made("img");
      picture.src = wanted.photo;
      picture.alt = "";
      const button = made("button");
      button.type = "button";
      const said = known.classes[top(found.values, 1)[0].index];
      button.append(
        picture,
        made("span", `${kept.answer ? "✓" : "✕"} ${said}`, "said"),
        made("span", kept.equal ? "✓ tensor equal to the bit" : `${kept.same ? "✓" : "✕"} tensor off by up to ${kept.off.toFixed(1)} levels (allowed ${wanted.levels})`),
        made("span", kept.apart === null ? "no answer to compare with" : `${kept.answer ? "✓" : "✕"} answer off by ${kept.apart.toExponential(0).replace("-", "−")}`),
        made("span", `right: ${known.labels[number]}`, "faint-text"),
      );
      button.addEventListener("click", () => classify({ blob, note: "" }));
      const card = made("li");
      card.append(button);
      cards.push(card);
    }
    by("golden").replaceChildren(...cards);
    const tensors = results.filter(({ same }) => same).length;
    const bits = results.filter(({ equal }) => equal).length;
    const answers = results.filter(({ answer }) => answer).length;
    const good = tensors === results.length && answers === results.length;
    by("golden-result").className = `result ${good ? "pass" : "fail"}`;
    by("golden-result").textContent =
      `${good ? "✓" : "✕"} ${tensors} of ${results.length} tensors as the contract says (${bits} to the bit), ${answers} of ${results.length} answers agree`;
    document.body.dataset.golden = JSON.stringify({ artifact: artifact.name, tensors, bits, answers, of: results.length });
  }

  async function load() {
    delete document.body.dataset.golden;
    by("golden-result").className = "result skipped";
    by("golden-result").textContent = "Running the golden photos…";
    artifact = known.artifacts[Number(by("artifact").value)];
    const old = session;
    session = null;
    await old?.release();
    session = await ort.InferenceSession.create(artifact.model, { executionProviders: ["wasm"] });
    await golden();
    if (latest) classify(latest);
  }

  const fail = (error) => {
    by("golden-result").className = "result fail";
    by("golden-result").textContent = `✕ The network does not run here: ${error.message ?? error}`;
  };
  const reload = () => (turn = turn.then(load).catch(fail));
  by("artifact").addEventListener("change", reload);
  by("photo").addEventListener("change", ({ target }) => {
    given(target.files);
    target.value = ""; // so that the same file can be chosen again
  });
  const files = (event) => event.dataTransfer.types.includes("Files");
  addEventListener("dragover", (event) => {
    if (!files(event)) return;
    event.preventDefault(); // beside the frame too: the browser would leave the page for the photo
    by("drop").classList.add("over");
  });
  addEventListener("dragleave", ({ relatedTarget }) => relatedTarget ?? by("drop").classList.remove("over"));
  addEventListener("drop", (event) => {
    by("drop").classList.remove("over");
    if (!files(event)) return;
    event.preventDefault();
    given(event.dataTransfer.files);
  });
  await reload();
}

if (by("golden")) await main();
