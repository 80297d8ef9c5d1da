// Written by `edgetl ship app`. Do not edit: write it again instead.
import { load } from "./classifier.js";
import { answers, decode, square } from "./photo.js";
import { selfTest } from "./selftest.js";

const found = Object.fromEntries([...document.querySelectorAll("[id]")].map((element) => [element.id, element]));
const percent = new Intl.NumberFormat(undefined, { style: "percent", maximumFractionDigits: 1 });
let loading = null;
let given = 0;
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

/** One after another: a session runs one photo at a time. */
function busy(work) {
  document.body.setAttribute("aria-busy", "true");
  last = last.then(() => tried(work));
}

async function tried(work) {
  document.body.setAttribute("aria-busy", "true");
  try {
    await work();
  } catch (error) {
    say(`It did not work: ${error.message.replace(/\.$/, "")}.`);
    console.warn(error);
  } finally {
    document.body.removeAttribute("aria-busy");
  }
}

async function classify(blob, others) {
  say("Looking …");
  found.photo.hidden = true; // nothing of another photo stays when this one cannot be used
  found.answers.replaceChildren();
  const started = performance.now();
  const rows = answers(await (await model())(square(await decode(blob))));
  const milliseconds = Math.round(performance.now() - started);
  URL.revokeObjectURL(found.photo.src);
  found.photo.src = URL.createObjectURL(blob);
  found.photo.hidden = false;
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
  const best = rows.length ? `${rows[0].label}: ${percent.format(rows[0].probability)}, in ${milliseconds} ms` : "None of the classes.";
  say(others ? `${best} (one photo at a time: ${blob.name} of ${others + 1})` : best);
}

/** The photo given last is the one that is looked at; those that still wait when it comes are passed over. */
function take([blob, ...others]) {
  if (!blob) return;
  const mine = (given += 1);
  busy(() => mine === given && classify(blob, others.length));
}

found.file.addEventListener("change", () => take(found.file.files));
addEventListener("dragover", (event) => event.preventDefault());
addEventListener("drop", (event) => {
  event.preventDefault();
  found.file.value = ""; // its name stands beside it
  take(event.dataTransfer.files);
});
found.test.addEventListener("click", () =>
  busy(async () => {
    say("Testing …");
    found.faults.textContent = "";
    found.log.hidden = true;
    const { log, faults } = await selfTest(await model());
    URL.revokeObjectURL(found.log.href);
    found.log.href = URL.createObjectURL(new Blob([JSON.stringify(log)], { type: "application/json" }));
    found.log.hidden = false;
    found.faults.textContent = faults.join("\n");
    say(faults.length ? `${faults.length} faults in ${log.images.length} golden photos.` : `All ${log.images.length} golden photos as verified.`);
  }),
);
