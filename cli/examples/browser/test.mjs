// The page in a headless Chromium: node test.mjs EXPLAINER.onnx PHOTO PREDICTION.json MAP.npy [SCREENSHOT.png]
//
// EXPLAINER takes the class as an input; PREDICTION and MAP are what `ttame explain --format json,npy` wrote of PHOTO.
// CHROMIUM names the browser, which is not looked for.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { chromium } from "playwright-core";
import { serve } from "./serve.mjs";

const MAPS = 1e-4; // of values in [0, 1]: the page rounds resized pixels by itself

/** A float32 array of NumPy's format 1.0. */
function npy(bytes) {
  const start = 10 + bytes.readUInt16LE(8);
  assert.match(bytes.toString("latin1", 10, start), /'descr': '<f4', 'fortran_order': False/);
  return new Float32Array(Uint8Array.from(bytes.subarray(start)).buffer);
}

const [model, photo, prediction, map, screenshot] = process.argv.slice(2).map((name) => resolve(name));
const expected = JSON.parse(await readFile(prediction));
const values = npy(await readFile(map));
const server = await serve(0, { "/explainer.onnx": model });
const address = `http://127.0.0.1:${server.address().port}/`;
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: ["--no-sandbox"], // of a container; only this page is opened
});
try {
  const page = await browser.newPage({ viewport: { width: 800, height: 720 }, deviceScaleFactor: 1 });
  const requests = [];
  const errors = [];
  page.on("request", (request) => requests.push(request));
  page.on("pageerror", (error) => errors.push(error.message));
  const explained = async () => {
    await page.waitForFunction(() => window.explained && !document.getElementById("status").textContent.includes("…"));
    return page.evaluate(() => ({ ...window.explained, map: Array.from(window.explained.map) }));
  };
  await page.goto(address);
  await page.waitForSelector("body[data-ready]", { timeout: 60_000 });
  const loaded = requests.length;

  // A photograph: the class and the map that the program says.
  await page.setInputFiles("#files", photo);
  const first = await explained();
  assert.equal(first.index, expected.class);
  assert.ok(Math.abs(first.probabilities[first.index] - expected.probability) < 1e-3);
  assert.equal(first.map.length, values.length);
  const gap = Math.max(...first.map.map((value, i) => Math.abs(value - values[i])));
  assert.ok(gap < MAPS, `maps differ by ${gap}`);
  if (expected.label) assert.equal(await page.textContent("#answer"), expected.label);
  if (screenshot) await page.screenshot({ path: screenshot });

  // Another class has another map; the slider fades it.
  const other = (expected.class + 1) % first.probabilities.length;
  await page.evaluate(() => delete window.explained);
  await page.selectOption("#class", String(other));
  const second = await explained();
  assert.equal(second.index, other);
  assert.ok(second.map.some((value, i) => Math.abs(value - first.map[i]) > 0.01));
  await page.fill("#opacity", "20");
  assert.equal(await page.evaluate(() => getComputedStyle(document.getElementById("map")).opacity), "0.2");

  // The same by dropping it, and something that is no image.
  await page.evaluate(() => delete window.explained);
  const bytes = (await readFile(photo)).toString("base64");
  const drop = (name, content) =>
    page.evaluate(
      ([file, data]) => {
        const transfer = new DataTransfer();
        transfer.items.add(new File([Uint8Array.from(atob(data), (c) => c.charCodeAt(0))], file));
        document.dispatchEvent(new DragEvent("drop", { dataTransfer: transfer, cancelable: true }));
      },
      [name, content]);
  await drop("again.jpg", bytes);
  assert.deepEqual((await explained()).map, first.map);
  await drop("text.jpg", "aGVsbG8=");
  await page.waitForFunction(() => document.getElementById("status").textContent.includes("text.jpg is not an image"));

  // Nothing left the page: it was loaded from its own server, and then asked for nothing.
  assert.ok(requests.every((request) => request.url().startsWith(address) && request.method() === "GET"));
  assert.equal(requests.length, loaded);
  assert.deepEqual(errors, []);
  console.log(`page: class ${first.index}, map within ${gap.toExponential(1)}, ${loaded} requests to load it, none after`);
} finally {
  await browser.close();
  server.close();
}
