// Written by `edgetl ship app`. Do not edit: write it again instead.
import { load } from "./classifier.js";
import { answers, decode, square } from "./photo.js";
import { selfTest } from "./selftest.js";

const found = Object.fromEntries([...document.querySelectorAll("[id]")].map((element) => [element.id, element]));
const percent = new Intl.NumberFormat(undefined, { style: "percent", maximumFractionDigits: 1 });
let loading = null;
let last = Promise.resolve();

/** The model, loaded once; where that fails, another time. */
function model() {
  loading ??= load().catch((error) => {
    loading = null;
    throw error;
  });
  return loading;
}

function say(text) {
  found.status.textContent = text;
}

/** One after another: a session runs one photo at a time, and the last photo's answer is the one that stays. */
function busy(work) {
  document.body.setAttribute("aria-busy", "true");
  last = last.then(() => tried(work));
}

async function tried(work) {
  document.body.setAttribute("aria-busy", "true");
  try {
    await work();
  } catch (error) {
    say(`It did not work: ${error.message}`);
    console.warn(error);
  } finally {
    document.body.removeAttribute("aria-busy");
  }
}

async function classify(blob) {
  say("Looking …");
  URL.revokeObjectURL(found.photo.src);
  found.photo.src = URL.createObjectURL(blob);
  found.photo.hidden = false;
  const started = performance.now();
  const rows = answers(await (await model())(square(await decode(blob))));
  const milliseconds = Math.round(performance.now() - started);
  found.answers.replaceChildren(
    ...rows.map(({ label, probability }) => {
      const row = document.createElement("li");
      const name = document.createElement("span");
      const meter = document.createElement("meter");
      const figure = document.createElement("span");
      name.textContent = label;
      meter.value = probability;
      meter.setAttribute("aria-label", label);
      figure.textContent = percent.format(probability);
      row.append(name, meter, figure);
      return row;
    }),
  );
  say(rows.length ? `${rows[0].label}: ${percent.format(rows[0].probability)}, in ${milliseconds} ms` : "None of the classes.");
}

found.file.addEventListener("change", () => {
  const [blob] = found.file.files;
  if (blob) busy(() => classify(blob));
});
addEventListener("dragover", (event) => event.preventDefault());
addEventListener("drop", (event) => {
  event.preventDefault();
  const [blob] = event.dataTransfer.files;
  if (blob) busy(() => classify(blob));
});
found.test.addEventListener("click", () =>
  busy(async () => {
    say("Testing …");
    const { log, faults } = await selfTest(await model());
    URL.revokeObjectURL(found.log.href);
    found.log.href = URL.createObjectURL(new Blob([JSON.stringify(log)], { type: "application/json" }));
    found.log.hidden = false;
    found.faults.textContent = faults.join("\n");
    say(faults.length ? `${faults.length} faults in ${log.images.length} golden photos.` : `All ${log.images.length} golden photos as verified.`);
  }),
);
