// A classifier and its explanations out of one file of `ttame export --format onnx`, computed by onnxruntime-web.
import * as ort from "./node_modules/onnxruntime-web/dist/ort.wasm.bundle.min.mjs";

ort.env.wasm.numThreads = globalThis.crossOriginIsolated ? 0 : 1; // threads need a page of its own

/** The texts that a model carries: field 14 of ModelProto, entries of key (1) and value (2). */
function metadata(bytes) {
  const texts = {};
  let at = 0;
  const varint = () => {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = bytes[at++];
      value += (byte & 127) * scale;
      if (byte < 128) return value;
    }
  };
  const text = (length) => new TextDecoder().decode(bytes.subarray(at, (at += length)));
  while (at < bytes.length) {
    const tag = varint();
    if ((tag & 7) === 0) {
      varint();
      continue;
    }
    const end = varint() + at;
    if (tag === (14 << 3 | 2)) {
      const entry = {};
      while (at < end) entry[varint() >> 3] = text(varint());
      texts[entry[1]] = entry[2];
    }
    at = end;
  }
  return texts;
}

/** Where a photograph is seen: its size after resizing, and the window's corner in it. */
function plan(width, height, input) {
  const enlarged = (side) => (input.resize === "crop" ? Math.round((side * 256) / 224) : side);
  const across = enlarged(input.width);
  const down = enlarged(input.height);
  if (input.resize === "stretch") return { width: across, height: down, left: 0, top: 0 };
  const wide = (width * down >= height * across) === (input.resize === "crop");
  const resized = wide
    ? { width: Math.max(1, Math.floor((width * down) / height)), height: down }
    : { width: across, height: Math.max(1, Math.floor((height * across) / width)) };
  const even = (x) => (Math.abs(x % 1) === 0.5 ? 2 * Math.round(x / 2) : Math.round(x));
  return { ...resized, left: even((resized.width - input.width) / 2), top: even((resized.height - input.height) / 2) };
}

/** Bilinear with antialiasing along rows of RGBA, as Pillow does; returns them turned by 90°. */
function resizeRows(source, width, height, target) {
  const result = new Uint8ClampedArray(4 * target * height);
  const scale = width / target;
  const reach = Math.max(1, scale);
  for (let x = 0; x < target; x++) {
    const centre = (x + 0.5) * scale;
    const first = Math.max(0, Math.floor(centre - reach + 0.5));
    const last = Math.min(width, Math.floor(centre + reach + 0.5));
    const weights = [];
    for (let i = first; i < last; i++) weights.push(Math.max(0, 1 - Math.abs((i - centre + 0.5) / reach)));
    const sum = weights.reduce((a, b) => a + b, 0);
    for (let y = 0; y < height; y++) {
      for (let c = 0; c < 4; c++) {
        let value = 0;
        for (let i = first; i < last; i++) value += weights[i - first] * source[4 * (y * width + i) + c];
        result[4 * (x * height + y) + c] = value / sum;
      }
    }
  }
  return result;
}

export class Explainer {
  /** Reads a file's bytes. */
  static async load(buffer) {
    const bytes = new Uint8Array(buffer);
    const texts = metadata(bytes);
    const meta = Object.fromEntries(Object.entries(texts).map(([key, value]) => [key.replace(/^ttame\./, ""), value]));
    if (!meta.map) throw new Error("This file has no explanations in it: make one with ttame export --format onnx");
    return new Explainer(meta, await ort.InferenceSession.create(bytes));
  }

  constructor(meta, session) {
    this.meta = meta;
    this.session = session;
    this.input = { width: Number(meta.width), height: Number(meta.height), resize: meta.resize };
    this.labels = meta.labels ? JSON.parse(meta.labels) : null;
    this.choosable = meta.classes !== "predicted";
  }

  label(index) {
    return this.labels ? this.labels[index] : `class ${index}`;
  }

  /** The photograph as the classifier takes it, and which part of it that is. */
  prepare(bitmap) {
    const { input, meta } = this;
    const at = plan(bitmap.width, bitmap.height, input);
    const canvas = new OffscreenCanvas(bitmap.width, bitmap.height);
    const context = canvas.getContext("2d", { willReadFrequently: true });
    context.drawImage(bitmap, 0, 0);
    const whole = context.getImageData(0, 0, bitmap.width, bitmap.height).data;
    const turned = resizeRows(whole, bitmap.width, bitmap.height, at.width);
    const resized = resizeRows(turned, bitmap.height, at.width, at.height);
    const mean = JSON.parse(meta.mean);
    const std = JSON.parse(meta.std);
    const [height, width, channels] = [input.height, input.width, mean.length];
    const values = new Float32Array(height * width * channels);
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        const [row, column] = [y + at.top, x + at.left];
        const inside = row >= 0 && column >= 0 && row < at.height && column < at.width;
        const pixel = inside ? 4 * (row * at.width + column) : -1;
        const rgb = [0, 1, 2].map((c) => (inside ? resized[pixel + c] : 114));
        const grey = (rgb[0] * 19595 + rgb[1] * 38470 + rgb[2] * 7471 + 0x8000) >> 16;
        for (let c = 0; c < channels; c++) {
          const place = meta.layout === "NHWC" ? (y * width + x) * channels + c : (c * height + y) * width + x;
          values[place] = ((channels === 1 ? grey : rgb[c]) / 255 - mean[c]) / std[c];
        }
      }
    }
    const shape = meta.layout === "NHWC" ? [1, height, width, channels] : [1, channels, height, width];
    const data = { float32: values, float64: () => Float64Array.from(values), uint8: () => Uint8Array.from(values, Math.round) };
    const taken = data[meta.type];
    if (!taken) throw new Error(`Images of type ${meta.type} cannot be made here`);
    const tensor = new ort.Tensor(meta.type, typeof taken === "function" ? taken() : taken, shape);
    const scale = [bitmap.width / at.width, bitmap.height / at.height];
    const box = [at.left * scale[0], at.top * scale[1], width * scale[0], height * scale[1]];
    return { tensor, box };
  }

  async #run(tensor, index) {
    const { meta } = this;
    const feeds = { [meta.image]: tensor };
    if (meta.class) feeds[meta.class] = new ort.Tensor("int64", BigInt64Array.of(BigInt(index)), [1]);
    return this.session.run(feeds, [meta.output, meta.map]);
  }

  #probabilities(scores) {
    const { meta } = this;
    const sigmoid = (z) => 1 / (1 + Math.exp(-z));
    if (scores.length === 1) {
      const p = meta["output-values"] === "probabilities" ? scores[0] : sigmoid(scores[0]);
      return [1 - p, p];
    }
    if (meta["output-values"] === "probabilities") return scores;
    if (meta["output-kind"] === "multi-label") return scores.map(sigmoid);
    const top = Math.max(...scores);
    const powers = scores.map((z) => Math.exp(z - top));
    const sum = powers.reduce((a, b) => a + b, 0);
    return powers.map((p) => p / sum);
  }

  /**
   * Explains a class of an image, or the most probable one.
   *
   * Gives its index, all classes' probabilities, and a map of height×width values from 0 to 1.
   */
  async explain(tensor, wanted) {
    let result = await this.#run(tensor, wanted ?? 0);
    const probabilities = this.#probabilities(Array.from(result[this.meta.output].data, Number));
    const likely = probabilities.indexOf(Math.max(...probabilities));
    const index = this.choosable ? wanted ?? likely : likely;
    if (this.meta.class && wanted === undefined && index !== 0) result = await this.#run(tensor, index);
    const maps = result[this.meta.map];
    const [height, width] = maps.dims.slice(-2);
    const first = this.meta.classes === "all" ? index * height * width : 0;
    return { index, probabilities, height, width, map: maps.data.slice(first, first + height * width) };
  }
}
