'use strict';

/* The page of `ttame serve`. Everything it shows comes from its own server; what comes from there is
   put into the page as text, never as markup. */
(() => {
  const $ = (id) => document.getElementById(id);
  const TOP = 5;
  const LONGEST_SIDE = 1024;
  const LEAST_SIDE = 512;

  let model;
  let colors;
  let token = '';
  let photo = null; // {file, name, url, answers}: what is looked at
  let wanted = null; // the class, or null for the predicted one
  const running = new Map(); // card key -> AbortController

  const element = (name, className, text) => {
    const made = document.createElement(name);
    if (className) made.className = className;
    if (text !== undefined) made.textContent = text;
    return made;
  };
  const percent = (share) =>
    (share > 0.9995 && share < 1 ? '> 99.9' : share < 0.0005 ? '< 0.1' : (100 * share).toFixed(1)) + ' %';
  const nameOf = (index) => model.labels[index] ?? `class ${index}`;
  const titleOf = (method) => model.methods.find((m) => m.name === method)?.title ?? method;
  const say = (text) => { $('status').textContent = text; };

  const complain = (text) => {
    $('problem-text').textContent = text;
    $('problem').hidden = !text;
  };

  /* ---- asking the server ---- */

  class Refused extends Error {}

  async function ask(path, options = {}) {
    const headers = {...options.headers};
    if (token) headers.Authorization = `Bearer ${token}`;
    let response;
    try {
      response = await fetch(path, {...options, headers});
    } catch (failure) {
      if (failure.name === 'AbortError') throw failure;
      throw new Refused('The server does not answer; is it still running?');
    }
    if (response.status === 401) askForToken();
    if (!response.ok) {
      const body = await response.json().catch(() => ({}));
      throw new Refused(body.error ?? `The server answered ${response.status}`);
    }
    return response;
  }

  const send = (path, file, accept, signal) =>
    ask(path, {method: 'POST', body: file, signal, headers: {Accept: accept, 'Content-Type': 'application/octet-stream'}});

  /** Reads server-sent events; returns the result. */
  async function follow(response, onProgress) {
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    let text = '';
    for (;;) {
      const {done, value} = await reader.read();
      if (done) throw new Refused('The server stopped before it was done');
      text += value;
      let end;
      while ((end = text.indexOf('\n\n')) >= 0) {
        const lines = text.slice(0, end).split('\n');
        text = text.slice(end + 2);
        const field = (name) => lines.find((line) => line.startsWith(name + ': '))?.slice(name.length + 2);
        const data = field('data');
        if (!data) continue;
        const event = field('event');
        if (event === 'progress') onProgress(JSON.parse(data));
        if (event === 'error') throw new Refused(JSON.parse(data).error);
        if (event === 'result') return JSON.parse(data);
      }
    }
  }

  function askForToken() {
    $('app').hidden = true;
    $('token').hidden = false;
    $('token-field').focus();
  }

  /* ---- the photograph ---- */

  async function look(file, name) {
    stopAll();
    complain('');
    if (photo) URL.revokeObjectURL(photo.url);
    const mine = {file, name, url: URL.createObjectURL(file), answers: new Map(), top: []};
    photo = mine;
    wanted = null;
    $('other-field').value = '';
    $('cards').replaceChildren();
    try {
      const answer = await (await send(`v1/predict?top=${TOP}`, file, 'application/json')).json();
      if (photo !== mine) return;
      mine.top = answer.top;
      showClasses(answer.top);
      $('choices').hidden = $('look').hidden = false;
      $('empty').hidden = true;
      say(`${answer.label}, ${percent(answer.probability)}`);
      refresh();
    } catch (failure) {
      if (photo !== mine) return;
      photo = null;
      $('choices').hidden = $('look').hidden = true;
      $('empty').hidden = false;
      markExample(null);
      if (failure instanceof Refused) complain(failure.message.replace('the photograph', name));
      else throw failure;
    }
  }

  function showClasses(top) {
    $('class-list').replaceChildren(...top.map((entry, place) => {
      const row = element('label', 'class');
      const radio = element('input');
      radio.type = 'radio';
      radio.name = 'class';
      radio.value = entry.class;
      radio.checked = place === 0;
      radio.addEventListener('change', () => { $('other-field').value = ''; choose(entry.class); });
      const bar = element('span', 'bar');
      const fill = element('span');
      fill.style.width = `${100 * entry.probability}%`;
      bar.append(fill);
      row.append(radio, element('span', 'name', nameOf(entry.class)), element('span', 'share', percent(entry.probability)), bar);
      row.title = nameOf(entry.class);
      return row;
    }));
  }

  function choose(index) {
    wanted = index;
    refresh();
  }

  function chooseOther() {
    const text = $('other-field').value.trim();
    if (!text || !photo) return;
    let index = /^\d+$/.test(text) ? Number(text) : model.labels.findIndex((label) => label.toLowerCase() === text.toLowerCase());
    if (index < 0 || index >= model.classes) {
      complain(`There is no class “${text}”; there are ${model.classes}, by name or from 0 to ${model.classes - 1}`);
      return;
    }
    complain('');
    for (const radio of document.getElementsByName('class')) radio.checked = Number(radio.value) === index;
    choose(index);
  }

  /* ---- maps ---- */

  const chosenMethods = () => [...document.querySelectorAll('#method-list input:checked')].map((box) => box.value);

  function stopAll() {
    for (const controller of running.values()) controller.abort();
    running.clear();
  }

  /** One card a chosen method, for the chosen class. */
  function refresh() {
    if (!photo) return;
    stopAll();
    const index = wanted ?? photo.top[0].class;
    const methods = chosenMethods();
    $('cards').dataset.count = ['', 'one', 'two'][methods.length] ?? 'many';
    $('cards').replaceChildren(...methods.map((method) => card(method, index)));
    if (!methods.length) say('No method is chosen');
  }

  function card(method, index) {
    const figure = element('figure', 'card');
    figure.dataset.method = method;
    const picture = element('div', 'picture');
    const image = element('img');
    image.src = photo.url;
    image.alt = `${photo.name}, under the map of ${titleOf(method)} for ${nameOf(index)}`;
    picture.append(image);
    const caption = element('figcaption');
    const head = element('div', 'top');
    const cost = element('span', 'cost');
    head.append(element('h2', '', titleOf(method)), cost);
    const what = element('p', 'what', nameOf(index));
    caption.append(head, what);
    figure.append(picture, caption);
    const parts = {figure, picture, image, caption, cost, what};
    const known = photo.answers.get(`${method} ${index}`);
    if (known) show(parts, known);
    else explain(parts, method, index);
    return figure;
  }

  async function explain(parts, method, index) {
    const mine = photo;
    const key = `${method} ${index}`;
    const controller = new AbortController();
    running.set(key, controller);
    const long = model.methods.find((m) => m.name === method).long;
    parts.figure.classList.add('busy');
    const work = element('div', 'work');
    const bar = element('progress');
    bar.setAttribute('aria-label', `${titleOf(method)} at work`);
    const count = element('span');
    work.append(bar, count);
    if (long) {
      const stop = element('button', '', 'Stop');
      stop.type = 'button';
      stop.addEventListener('click', () => controller.abort());
      work.append(stop);
    }
    parts.picture.append(work);
    const path = `v1/explain?class=${index}&method=${encodeURIComponent(method)}`;
    try {
      const response = await send(path, mine.file, long ? 'text/event-stream' : 'application/json', controller.signal);
      const answer = long
        ? await follow(response, ({done, total}) => {
            bar.max = total;
            bar.value = done;
            count.textContent = `${done} of ${total}`;
          })
        : await response.json();
      mine.answers.set(key, answer);
      if (photo === mine) show(parts, answer);
    } catch (failure) {
      if (failure.name !== 'AbortError' && !(failure instanceof Refused)) throw failure;
      parts.figure.classList.add('failed');
      parts.what.textContent = failure instanceof Refused ? failure.message : 'Stopped';
      const again = element('button', '', 'Try again');
      again.type = 'button';
      again.addEventListener('click', () => parts.figure.replaceWith(card(method, index)));
      const row = element('div', 'saves');
      row.append(again);
      parts.caption.append(row);
    } finally {
      if (running.get(key) === controller) running.delete(key);
      parts.figure.classList.remove('busy');
      work.remove();
    }
  }

  const number = (n) => n.toLocaleString('en', {maximumFractionDigits: 0});

  function costOf(answer) {
    const passes = `${number(answer.passes)} ${answer.passes === 1 ? 'pass' : 'passes'}`;
    const back = answer.backward_passes ? ` + ${number(answer.backward_passes)} back` : '';
    const time = answer.milliseconds < 9950 ? `${number(answer.milliseconds)}\u00a0ms` : `${number(answer.milliseconds / 1000)}\u00a0s`;
    return `${passes}${back} · ${time}`;
  }

  function show(parts, answer) {
    parts.cost.textContent = costOf(answer);
    parts.what.textContent = `${answer.label} · ${percent(answer.probability)}`;
    parts.figure.dataset.done = 'true';
    const canvas = element('canvas');
    canvas.setAttribute('aria-hidden', 'true');
    const {height, width} = answer.photograph;
    const longest = Math.max(height, width);
    const factor = Math.max(LEAST_SIDE / longest, Math.min(1, LONGEST_SIDE / longest));
    canvas.height = Math.max(1, Math.round(height * factor));
    canvas.width = Math.max(1, Math.round(width * factor));
    canvas.getContext('2d').putImageData(heat(answer, canvas.height, canvas.width), 0, 0);
    parts.picture.append(canvas);
    parts.picture.style.aspectRatio = `${width} / ${height}`;
    dress(canvas);
    const saves = element('div', 'saves');
    saves.append(element('span', '', 'Save'));
    for (const [kind, make] of [['PNG', () => png(parts.image, answer)], ['npy', () => npy(answer)], ['JSON', () => json(answer)]]) {
      const button = element('button', '', kind);
      button.type = 'button';
      button.setAttribute('aria-label', `Save the map of ${titleOf(answer.method)} as ${kind}`);
      button.addEventListener('click', async () => save(await make(), answer, kind.toLowerCase()));
      saves.append(button);
    }
    parts.caption.append(saves);
    say(`${titleOf(answer.method)}: ${costOf(answer)}`);
  }

  /** As the server draws it. */
  function dress(canvas) {
    canvas.style.opacity = $('opacity').value / 100;
  }

  /** For each row or column of the picture its place in the map, in cells, as the server has it. */
  function places(length, whole, first, seen, cells) {
    return Float64Array.from({length}, (_, i) => ((((i + 0.5) / length) * whole - first) / seen) * cells - 0.5);
  }

  /** The map at a size, bilinear with half-pixel centres; NaN where the classifier saw nothing. */
  function enlarged(answer, rows, columns) {
    const {map, height: h, width: w, photograph: {height, width, seen}} = answer;
    const ys = places(rows, height, seen.top, seen.height, h);
    const xs = places(columns, width, seen.left, seen.width, w);
    const values = new Float32Array(rows * columns);
    for (let y = 0, at = 0; y < rows; y++) {
      const inside = ys[y] >= -0.5 && ys[y] <= h - 0.5;
      const v = Math.min(h - 1, Math.max(0, ys[y]));
      const top = map[Math.floor(v)];
      const bottom = map[Math.min(h - 1, Math.floor(v) + 1)];
      const down = v - Math.floor(v);
      for (let x = 0; x < columns; x++, at++) {
        if (!inside || xs[x] < -0.5 || xs[x] > w - 0.5) { values[at] = NaN; continue; }
        const u = Math.min(w - 1, Math.max(0, xs[x]));
        const left = Math.floor(u);
        const right = Math.min(w - 1, left + 1);
        const across = u - left;
        const upper = top[left] + across * (top[right] - top[left]);
        const lower = bottom[left] + across * (bottom[right] - bottom[left]);
        values[at] = upper + down * (lower - upper);
      }
    }
    return values;
  }

  const step = (value) => 3 * Math.max(0, Math.min(255, Math.floor(value * 256)));

  function heat(answer, rows, columns) {
    const data = new ImageData(columns, rows);
    enlarged(answer, rows, columns).forEach((value, i) => {
      if (Number.isNaN(value)) return;
      const from = step(value);
      for (let c = 0; c < 3; c++) data.data[4 * i + c] = colors[from + c];
      data.data[4 * i + 3] = 255;
    });
    return data;
  }

  /* ---- saving ---- */

  /** The photograph under its map, at its own size. */
  function png(image, answer) {
    const {height, width} = answer.photograph;
    const opacity = $('opacity').value / 100;
    const canvas = element('canvas');
    canvas.height = height;
    canvas.width = width;
    const context = canvas.getContext('2d');
    context.drawImage(image, 0, 0, width, height);
    const picture = context.getImageData(0, 0, width, height);
    const d = picture.data;
    enlarged(answer, height, width).forEach((value, i) => {
      const share = Number.isNaN(value) ? 0 : opacity;
      const from = step(value || 0);
      for (let c = 0; c < 3; c++) d[4 * i + c] = Math.round((1 - share) * d[4 * i + c] + share * colors[from + c]);
    });
    context.putImageData(picture, 0, 0);
    return new Promise((done) => { canvas.toBlob(done, 'image/png'); });
  }

  /** NumPy's format 1.0, float32 [h, w]. */
  function npy(answer) {
    const header = `{'descr': '<f4', 'fortran_order': False, 'shape': (${answer.height}, ${answer.width}), }`;
    const length = Math.ceil((header.length + 11) / 64) * 64 - 10;
    const bytes = new Uint8Array(10 + length).fill(0x20);
    bytes.set([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0, length & 255, length >> 8]);
    bytes.set(new TextEncoder().encode(header), 10);
    bytes[9 + length] = 0x0a;
    const values = new DataView(new ArrayBuffer(4 * answer.height * answer.width));
    answer.map.flat().forEach((value, i) => values.setFloat32(4 * i, value, true));
    return new Blob([bytes, values.buffer]);
  }

  const json = (answer) => new Blob([JSON.stringify(answer)], {type: 'application/json'});

  function save(blob, answer, ending) {
    const link = element('a');
    link.href = URL.createObjectURL(blob);
    link.download = `${photo.name.replace(/\.\w+$/, '')}.${answer.method}.c${answer.class}.${ending}`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
  }

  /* ---- the page ---- */

  function markExample(button) {
    for (const other of $('example-list').children) other.setAttribute('aria-pressed', String(other === button));
  }

  function showModel() {
    const {input} = model;
    $('about').textContent = `${model.title} · ${model.classifier}, ${model.classes} classes, ${input.height} × ${input.width} pixels`;
    $('version').textContent = `· ttame ${model.version}`;
    document.title = `T-TAME: ${model.title}`;
    colors = model.colors.flatMap((hex) => [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16)));
    const scale = new ImageData(256, 1);
    for (let i = 0; i < 256; i++) scale.data.set([colors[3 * i], colors[3 * i + 1], colors[3 * i + 2], 255], 4 * i);
    $('scale').getContext('2d').putImageData(scale, 0, 0);
    $('all-classes').replaceChildren(...model.labels.map((label) => { const option = element('option'); option.value = label; return option; }));
    const ordered = [...model.methods].sort((a, b) => a.control - b.control);
    $('method-list').replaceChildren(...ordered.map((method) => {
      const chip = element('label', 'chip');
      const box = element('input');
      box.type = 'checkbox';
      box.value = method.name;
      box.checked = method.name === model.default_method;
      box.addEventListener('change', refresh);
      chip.append(box, element('span', '', method.control ? `${method.title} (control)` : method.title));
      if (method.long) {
        const clock = element('span', 'clock', '◔');
        clock.setAttribute('aria-hidden', 'true');
        chip.append(clock);
        box.setAttribute('aria-label', `${method.title}, takes many passes`);
      }
      return chip;
    }));
    $('examples').hidden = !model.examples.length;
    $('example-list').replaceChildren(...model.examples.map((path, i) => {
      const button = element('button');
      button.type = 'button';
      button.setAttribute('aria-pressed', 'false');
      const image = element('img');
      image.src = path;
      image.alt = `Example ${i + 1}`;
      button.append(image);
      button.addEventListener('click', async () => {
        markExample(button);
        try {
          await look(await (await ask(path)).blob(), `example-${i + 1}.jpg`);
        } catch (failure) {
          if (!(failure instanceof Refused)) throw failure;
          complain(failure.message);
        }
      });
      return button;
    }));
    $('token').hidden = true;
    $('app').hidden = false;
  }

  async function start() {
    try {
      model = await (await ask('v1/model')).json();
      complain('');
      showModel();
    } catch (failure) {
      if (!(failure instanceof Refused)) throw failure;
      if ($('token').hidden || token) complain(failure.message);
    }
  }

  function take(files) {
    const file = files?.[0];
    if (!file || $('app').hidden) return;
    markExample(null);
    look(file, file.name || 'photograph');
  }

  $('file').addEventListener('change', () => { take($('file').files); $('file').value = ''; });
  $('other-field').addEventListener('change', chooseOther);
  $('problem-close').addEventListener('click', () => complain(''));
  $('opacity').addEventListener('input', () => {
    $('opacity-value').value = `${$('opacity').value} %`;
    for (const picture of document.querySelectorAll('.picture:has(canvas)')) dress(picture.querySelector('canvas'));
  });
  $('token').addEventListener('submit', (event) => {
    event.preventDefault();
    token = $('token-field').value;
    start();
  });
  let depth = 0;
  const dropping = (change) => { depth = Math.max(0, depth + change); document.body.classList.toggle('dropping', depth > 0); };
  addEventListener('dragenter', () => dropping(1));
  addEventListener('dragleave', () => dropping(-1));
  addEventListener('dragover', (event) => event.preventDefault());
  addEventListener('drop', (event) => {
    event.preventDefault();
    dropping(-depth);
    take(event.dataTransfer.files);
  });
  addEventListener('paste', (event) => take(event.clipboardData?.files));

  if (location.hash.startsWith('#token=')) {
    token = decodeURIComponent(location.hash.slice(7));
    history.replaceState(null, '', location.pathname);
  }
  start();
})();
