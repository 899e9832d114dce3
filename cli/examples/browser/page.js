import { Explainer } from "./explainer.js";

const $ = (id) => document.getElementById(id);
const VIRIDIS = [[68, 1, 84], [59, 82, 139], [33, 145, 140], [94, 201, 98], [253, 231, 37]];
const SIDE = 448;

let explainer;
let seen;
let latest = 0;

function say(text) {
  $("status").textContent = text;
}

function colour(value) {
  const place = Math.min(value, 0.99999) * (VIRIDIS.length - 1);
  const [low, part] = [Math.floor(place), place % 1];
  return VIRIDIS[low].map((c, i) => c + part * (VIRIDIS[low + 1][i] - c));
}

/** A map in colours at a canvas's size, bilinear between the centres of its cells. */
function drawMap(canvas, { map, height, width }) {
  const context = canvas.getContext("2d");
  const image = context.createImageData(canvas.width, canvas.height);
  const cell = (i, count, length) => Math.min(Math.max(((i + 0.5) * count) / length - 0.5, 0), count - 1);
  for (let y = 0; y < canvas.height; y++) {
    const v = cell(y, height, canvas.height);
    const [top, bottom] = [Math.floor(v) * width, Math.ceil(v) * width];
    for (let x = 0; x < canvas.width; x++) {
      const u = cell(x, width, canvas.width);
      const [left, right] = [Math.floor(u), Math.ceil(u)];
      const above = map[top + left] + (u % 1) * (map[top + right] - map[top + left]);
      const below = map[bottom + left] + (u % 1) * (map[bottom + right] - map[bottom + left]);
      image.data.set([...colour(above + (v % 1) * (below - above)), 255], 4 * (y * canvas.width + x));
    }
  }
  context.putImageData(image, 0, 0);
}

async function explain(wanted) {
  const turn = ++latest;
  say("Computing …");
  const began = performance.now();
  const found = await explainer.explain(seen.tensor, wanted);
  if (turn !== latest) return; // another class or photograph has been chosen meanwhile
  const time = performance.now() - began;
  drawMap($("map"), found);
  $("result").hidden = false;
  const order = found.probabilities.map((p, i) => [p, i]).sort((a, b) => b[0] - a[0]);
  if (wanted === undefined) {
    $("class").replaceChildren(
      ...order.map(([p, i]) => new Option(`${explainer.label(i)} – ${(100 * p).toFixed(1)} %`, i)));
  }
  $("class").value = found.index;
  $("class").disabled = !explainer.choosable;
  $("answer").textContent = explainer.label(found.index);
  say(`${(100 * found.probabilities[found.index]).toFixed(1)} % · ${Math.round(time)} ms in this browser`);
  window.explained = found; // for the console, and for tests
}

async function show(file) {
  try {
    if (!explainer) throw new Error("Choose an explainer file first");
    const bitmap = await createImageBitmap(file, { colorSpaceConversion: "none" });
    seen = explainer.prepare(bitmap);
    const ratio = explainer.input.width / explainer.input.height;
    for (const id of ["photo", "map"]) {
      $(id).width = Math.round(ratio > 1 ? SIDE : SIDE * ratio);
      $(id).height = Math.round(ratio > 1 ? SIDE / ratio : SIDE);
    }
    $("photo").getContext("2d").drawImage(bitmap, ...seen.box, 0, 0, $("photo").width, $("photo").height);
    await explain();
  } catch (e) {
    say(e.name === "InvalidStateError" ? `${file.name} is not an image that this browser reads` : e.message);
  }
}

async function open(buffer) {
  try {
    say("Loading …");
    explainer = await Explainer.load(buffer);
    $("model").textContent = `${explainer.meta.classifier}, explained by the run ${explainer.meta.run}.`;
    say("Drop a photograph.");
  } catch (e) {
    say(e.message);
  }
}

const isModel = (file) => file.name.endsWith(".onnx");

async function take(files) {
  for (const file of [...files].sort((a, b) => isModel(b) - isModel(a))) {
    await (isModel(file) ? file.arrayBuffer().then(open) : show(file));
  }
}

$("files").addEventListener("change", (event) => take(event.target.files));
$("class").addEventListener("change", (event) => explain(Number(event.target.value)).catch((e) => say(e.message)));
$("opacity").addEventListener("input", (event) => ($("map").style.opacity = event.target.value / 100));
for (const kind of ["dragover", "drop"]) {
  document.addEventListener(kind, (event) => {
    event.preventDefault();
    if (kind === "drop") take(event.dataTransfer.files);
  });
}

const beside = await fetch("explainer.onnx");
if (beside.ok) await open(await beside.arrayBuffer());
else say("Drop an explainer file (ttame export --format onnx), then a photograph.");
document.body.dataset.ready = "yes";
