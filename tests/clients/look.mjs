// Looks at a page in headless Chromium: reads {modules, chromium, url, views, wait, photo, shots} from standard input, writes what it saw.
// Each view is {scheme: "light" | "dark", width, height, print}; `wait` is a selector that shows the page is done.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

const asked = JSON.parse(readFileSync(0, "utf-8"));
const require = createRequire(join(asked.modules, "x.js"));
const { chromium } = require("playwright-core");
const axe = readFileSync(require.resolve("axe-core/axe.min.js"), "utf-8");

const browser = await chromium.launch({ executablePath: asked.chromium, args: ["--no-sandbox"] });
const seen = { errors: [], requests: [], axe: [], overflow: [], state: null, blocked: null };
try {
  for (const [number, view] of asked.views.entries()) {
    // axe is put in by the test; the page's own policy would refuse it
    const context = await browser.newContext({ colorScheme: view.scheme, viewport: { width: view.width, height: view.height }, bypassCSP: Boolean(asked.axe) });
    const page = await context.newPage();
    page.on("console", (message) => {
      if (["error", "warning"].includes(message.type())) seen.errors.push(message.text());
    });
    page.on("pageerror", (error) => seen.errors.push(String(error)));
    page.on("request", (request) => seen.requests.push(request.url()));
    page.on("dialog", (dialog) => {
      seen.errors.push(`dialog: ${dialog.message()}`);
      dialog.dismiss();
    });
    await page.goto(asked.url, { waitUntil: "load" });
    if (asked.wait) await page.waitForSelector(asked.wait, { timeout: 60000 });
    if (asked.photo) {
      await page.setInputFiles("#photo", asked.photo);
      await page.waitForSelector("#top li", { timeout: 60000 });
    }
    if (asked.press) {
      await page.click(asked.press);
      await page.waitForTimeout(200);
    }
    if (asked.ask) seen.state = await page.evaluate(asked.ask);
    if (asked.axe) {
      await page.evaluate(() => document.querySelectorAll("details").forEach((details) => (details.open = true)));
      await page.evaluate(axe);
      const found = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ["violations"] }));
      for (const { id, impact, nodes } of found.violations) {
        const html = nodes.slice(0, 3).map((node) => `${node.html.slice(0, 200)} ${node.any.map((a) => a.message).join("; ")}`);
        seen.axe.push({ id, impact, view, html });
      }
    }
    seen.overflow.push(await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth));
    if (asked.shots) {
      if (view.print) await page.emulateMedia({ media: "print" });
      await page.screenshot({ path: join(asked.shots, `${number}.png`), fullPage: !view.fold });
    }
    await context.close();
  }
} finally {
  await browser.close();
}
process.stdout.write(JSON.stringify(seen));
