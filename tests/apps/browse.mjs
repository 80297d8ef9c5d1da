// Opens a generated page in Chromium and uses it as a person does. Reads {modules, chromium, url, photo, photos} from standard input.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const asked = JSON.parse(readFileSync(0, "utf-8"));
const { chromium } = createRequire(`${asked.modules}/`)("playwright-core");
const browser = await chromium.launch({ executablePath: asked.chromium, args: ["--no-sandbox", "--disable-dev-shm-usage"] });
const page = await browser.newPage({ viewport: { width: 400, height: 800 } });
const errors = [];
const elsewhere = [];
page.on("console", (message) => message.type() === "error" && !message.text().startsWith("INFO: ") && errors.push(message.text()));
page.on("pageerror", (error) => errors.push(String(error)));
page.on("request", (request) => !/^(blob:|data:)/.test(request.url()) && !request.url().startsWith(asked.url) && elsewhere.push(request.url()));
await page.goto(asked.url);
const said = async () => {
  await page.waitForFunction(() => document.body.ariaBusy !== "true" && document.getElementById("status").textContent !== "");
  return page.textContent("#status");
};
await page.setInputFiles("#file", asked.photo);
const one = await said();
const shown = await page.$$eval("#answers li span:first-child", (names) => names.map((name) => name.textContent));
await page.click("#test");
await page.waitForFunction(() => /golden photos/.test(document.getElementById("status").textContent));
const status = await said();
const faults = await page.textContent("#faults");
const log = await page.evaluate(async () => (await fetch(document.getElementById("log").href)).json());
await page.evaluate(readFileSync(`${asked.modules}/axe-core/axe.min.js`, "utf-8"));
const axe = await page.evaluate(() => window.axe.run());
const answers = await page.evaluate(async (photos) => {
  const { load } = await import(`${location.href}classifier.js`);
  const { decode, square } = await import(`${location.href}photo.js`);
  const run = await load();
  const found = [];
  for (const photo of photos) found.push(Array.from(await run(square(await decode(await (await fetch(photo)).blob())))));
  return found;
}, asked.photos);
await browser.close();
console.log(JSON.stringify({ errors, elsewhere, one, shown, status, faults, log, answers, axe: axe.violations.map((v) => `${v.id}: ${v.impact}`) }));
