"use strict";
const $ = (id) => document.getElementById(id);

// --- Settings, and the address that holds them ---

const LISTS = {
  data: ["moons", "circles", "spirals", "flower", "xor", "blobs", "cosine", "own"],
  activation: ["tanh", "relu", "sigmoid", "identity", "leaky relu", "elu", "softplus", "silu", "gelu"],
  loss: ["cross-entropy", "squared error"],
  optimizer: ["sgd", "nesterov", "rmsprop", "adam"],
  start: ["default", "zeros", "small", "large"],
};
const START = {
  data: "moons", samples: 300, noise: 0.1, seed: 1, activation: "tanh", loss: "cross-entropy", optimizer: "sgd",
  rate: 0.1, momentum: 0.9, batch: 20, decay: 0, dropout: 0, start: "default", net: [6, 4], own: "",
};
const MOST_LAYERS = 8;
let settings = { ...START };
let view = "train";
let plain = false;

function fromAddress() {
  const wanted = new URLSearchParams(location.hash.slice(1));
  const read = { ...START };
  for (const [name, value] of wanted) {
    if (name in LISTS) {
      if (LISTS[name].includes(value)) read[name] = value;
    } else if (name === "net") {
      read.net = value.split(",").filter(Boolean).map(Number).filter((units) => units >= 1 && units <= 64).slice(0, MOST_LAYERS);
    } else if (name === "own") {
      read.own = value.replaceAll(";", "\n");
    } else if (name in START && Number.isFinite(Number(value))) {
      read[name] = Number(value);
    }
  }
  const views = ["train", "apart", "break", "digit"];
  view = views.includes(wanted.get("view")) ? wanted.get("view") : "train";
  plain = wanted.get("hide") === "settings";
  const steps = Number(wanted.get("steps") ?? 0);
  return [read, Math.max(0, Math.min(Math.floor(steps) || 0, 1e7))];
}

function toAddress() {
  const words = new URLSearchParams();
  for (const [name, value] of Object.entries(settings)) {
    if (String(value) !== String(START[name])) words.set(name, String(value).replaceAll("\n", ";").replaceAll(" ", ""));
  }
  if (state.steps > 0) words.set("steps", String(state.steps));
  if (view !== "train") words.set("view", view);
  if (plain) words.set("hide", "settings");
  history.replaceState(null, "", `#${words}`);
}

function asNumbers(s) {
  const index = (name) => LISTS[name].indexOf(s[name]);
  return [
    index("data"), s.samples, s.noise, s.seed, index("activation"), index("loss"), index("optimizer"), s.rate,
    s.momentum, s.batch, s.decay, s.dropout, index("start"), s.net.length, ...s.net,
    ...(s.data === "own" ? points(s.own).flat() : []),
  ];
}

// One's own points, a line each: x, y, and the class from 1 to 3.
const SOME_POINTS = "-0.8, 0.7, 1\n-0.6, 0.9, 1\n-0.5, 0.6, 1\n-0.9, 0.4, 1\n0.7, -0.6, 1\n0.9, -0.8, 1\n0.5, -0.7, 1\n0.6, 0.8, 2\n0.8, 0.5, 2\n0.9, 0.8, 2\n-0.7, -0.6, 2\n-0.5, -0.9, 2\n-0.9, -0.8, 2\n0.4, 0.6, 2";
function points(text) {
  const lines = text.split("\n").filter((line) => line.trim());
  // A first line without a number names the columns.
  if (lines.length > 0 && !/\d/.test(lines[0])) lines.shift();
  return lines.map((line, i) => {
    const [x, y, label] = line.trim().split(/[\s,]+/).map(Number);
    if (![x, y].every(Number.isFinite) || ![1, 2, 3].includes(label)) throw new Error(`Your points, line ${i + 1}: x, y and a class from 1 to 3 are expected, found "${line.trim()}"`);
    return [x, y, label - 1];
  });
}

// --- The worker ---

const waiting = new Map();
let messages = 0;
const worker = new Worker(URL.createObjectURL(new Blob([$("worker").textContent], { type: "text/javascript" })));
worker.onmessage = ({ data: [number, result, error] }) => {
  const [resolve, reject] = waiting.get(number);
  waiting.delete(number);
  error === null ? resolve(result) : reject(new Error(error));
};

function call(operation, ...rest) {
  messages += 1;
  const number = messages;
  return new Promise((resolve, reject) => {
    waiting.set(number, [resolve, reject]);
    worker.postMessage([number, operation, ...rest]);
  });
}

function complain(text) {
  $("problem").hidden = !text;
  $("problem").textContent = text ?? "";
}

// --- Numbers and colours ---

const number = (x, digits = 3) => {
  if (!Number.isFinite(x)) return Number.isNaN(x) ? "–" : x > 0 ? "∞" : "−∞";
  if (x === 0) return "0";
  const size = Math.abs(x);
  if (size >= 1e5 || size < 1e-4) {
    const [digit, power] = x.toExponential(digits - 1).split("e");
    return `${digit.replace("-", "−")}·10${power.replace(/[+]/, "").replace(/[-\d]/g, (c) => (c === "-" ? "⁻" : "⁰¹²³⁴⁵⁶⁷⁸⁹"[c]))}`;
  }
  return String(Number(x.toPrecision(digits))).replace("-", "−");
};
const inSum = (x) => (x < 0 ? `(${number(x, 4)})` : number(x, 4));
// dw₂₃: a letter with its indices, counted from 1; r, i or j for the one that a sum runs over.
const entry = (letter, ...indices) => `${letter}${indices.map((i) => (typeof i === "string" ? i : subscript(i + 1))).join(indices.some((i) => i > 8) ? "," : "")}`;
const subscript = (i) => String(i).replace(/\d/g, (digit) => "₀₁₂₃₄₅₆₇₈₉"[digit]);
const percent = (x) => (Number.isNaN(x) ? "–" : `${(100 * x).toFixed(1)} %`);
const style = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
let paint = {};
function readColours() {
  const triple = (name) => style(name).split(",").map(Number);
  const dark = matchMedia("(prefers-color-scheme: dark)").matches;
  const classes = dark ? [[234, 131, 51], [86, 160, 226], [96, 190, 120]] : [[214, 99, 14], [31, 111, 181], [40, 140, 70]];
  paint = { plus: triple("--plus-rgb"), minus: triple("--minus-rgb"), ink: style("--ink"), soft: style("--soft"),
    line: style("--line"), card: style("--card"), base: dark ? [28, 32, 36] : [255, 255, 255], classes };
  paint.signed = Int32Array.from({ length: 513 }, (_, i) => packed(mix(paint.base, i < 256 ? paint.minus : paint.plus, Math.abs(i - 256) / 256)));
}
const mix = (from, to, share) => from.map((c, i) => c + (to[i] - c) * share);
// The pixel of a number from −1 to 1, out of a table.
const signed = (x) => paint.signed[Math.round(256 * Math.max(-1, Math.min(1, x))) + 256];

// --- The state of the training ---

const state = { steps: 0, sizes: [], data: null, frame: null, costs: [], playing: false, busy: false, weights: null };

function readData(flat) {
  const [inputs, outputs, train, test] = flat;
  const rows = [];
  for (let r = 0, at = 4; r < train + test; r += 1, at += inputs + outputs) {
    const y = flat.slice(at + inputs, at + inputs + outputs);
    rows.push({ x: flat.slice(at, at + inputs), y, label: y.indexOf(Math.max(...y)), test: r >= train });
  }
  return { inputs, outputs, train, rows };
}

// W and b of each layer out of one list.
function readParameters(flat, sizes, at = 0) {
  const layers = [];
  for (let l = 1; l < sizes.length; l += 1) {
    const [inputs, outputs] = [sizes[l - 1], sizes[l]];
    const w = flat.slice(at, at + inputs * outputs);
    at += inputs * outputs;
    layers.push({ inputs, outputs, w, b: flat.slice(at, at + outputs) });
    at += outputs;
  }
  return [layers, at];
}

// With other settings; a training that runs goes on with them.
async function anew(steps = 0) {
  const running = state.playing;
  state.playing = false;
  await idle();
  state.costs = [];
  state.steps = 0;
  try {
    const flat = await call("make", asNumbers(settings));
    state.data = readData(flat);
    state.sizes = [state.data.inputs, ...settings.net, state.data.outputs];
    complain("");
    // In pieces, so that the curve has something to show.
    const piece = Math.max(1, Math.ceil(steps / 80));
    for (let done = 0; done < steps; done += piece) {
      const [count, , cost, , test] = await call("measure");
      state.costs.push([count, cost, test]);
      for (let left = Math.min(piece, steps - done); left > 0; left -= 1000) await call("train", Math.min(left, 1000));
      $("f-steps").textContent = done.toLocaleString("en");
    }
    await draw(0, -1);
    if (running) play();
  } catch (error) {
    state.playing = running;
    stop();
    complain(error.message);
  }
  toAddress();
  if (view === "apart") await walk();
}

const idle = async () => {
  while (state.busy) await new Promise((resolve) => setTimeout(resolve, 2));
};

// Trains in the worker (steps, or for some milliseconds; neither with −1).
function request(steps, milliseconds) {
  const large = settings.net.reduce((sum, units) => sum + units, 0) > 60;
  return call("frame", steps, milliseconds, state.data.inputs === 1 ? 200 : large ? 56 : 80, SHOWN);
}

// Shows what the worker has trained.
function present(frame) {
  state.frame = frame;
  const [count, epoch, cost, right, testCost, testRight] = frame.measured;
  if (Number.isFinite(cost)) {
    state.steps = count;
    state.costs.push(...frame.costs);
    if (state.costs.at(-1)?.[0] !== count) state.costs.push([count, cost, testCost]);
    if (state.costs.length > 1200) state.costs = state.costs.filter((_, i) => i % 2 === 0);
    $("f-epoch").textContent = epoch.toFixed(1);
    $("f-steps").textContent = count.toLocaleString("en");
    $("f-cost").textContent = number(cost);
    $("f-test").textContent = number(testCost);
    $("f-right").textContent = percent(right);
    $("f-right-test").textContent = percent(testRight);
  }
  [state.weights] = readParameters(frame.weights, state.sizes);
  drawAll();
  if (frame.problem) {
    stop();
    complain(`Stopped: ${frame.problem}`);
  }
}

async function draw(steps, milliseconds) {
  state.busy = true;
  try {
    present(await request(steps, milliseconds));
  } finally {
    state.busy = false;
  }
}

let rate = [];
function count(done) {
  const now = performance.now();
  rate.push([now, done]);
  rate = rate.filter(([then]) => now - then < 1500);
  const seconds = (now - rate[0][0]) / 1000;
  if (seconds < 0.3) return;
  const perSecond = rate.slice(1).reduce((sum, [, some]) => sum + some, 0) / seconds;
  $("f-rate").textContent = Math.round(perSecond).toLocaleString("en");
}

// Until somebody stops it. The worker trains for the next picture while this one is drawn.
async function loop() {
  state.busy = true;
  // With reduced motion two or three pictures a second.
  const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
  const next = async () => {
    const pace = Number($("pace").value);
    if (calm && pace > 0) await new Promise((resolve) => setTimeout(resolve, 400));
    return request(pace, calm ? 400 : 13);
  };
  try {
    let ahead = next();
    while (ahead) {
      const frame = await ahead;
      ahead = state.playing && !frame.problem ? next() : null;
      present(frame);
      count(frame.done);
      if (ahead) await new Promise(requestAnimationFrame);
    }
  } catch (error) {
    stop();
    complain(error.message);
  } finally {
    state.busy = false;
  }
}

function stop() {
  if (!state.playing) return;
  state.playing = false;
  rate = [];
  $("play").textContent = "Play";
  // The picture that the worker has begun belongs to the training.
  idle().then(() => {
    toAddress();
    drawAll();
  });
}

function play() {
  state.playing = true;
  $("play").textContent = "Pause";
  complain("");
  idle().then(loop);
}

// --- Pictures ---

function context(id) {
  const canvas = $(id);
  const scale = Math.min(2, devicePixelRatio || 1);
  const [width, height] = [canvas.clientWidth, canvas.clientHeight];
  if (canvas.width !== Math.round(width * scale) || canvas.height !== Math.round(height * scale)) {
    canvas.width = Math.round(width * scale);
    canvas.height = Math.round(height * scale);
  }
  const to = canvas.getContext("2d");
  to.setTransform(scale, 0, 0, scale, 0, 0);
  to.clearRect(0, 0, width, height);
  return [to, width, height];
}

// A colour as a pixel of a picture: red first in memory.
const packed = ([red, green, blue]) => (255 << 24) | (blue << 16) | (green << 8) | red;

const tile = document.createElement("canvas");
function image(to, side, pixel, x, y, width, height) {
  if (tile.width !== side) tile.width = tile.height = side;
  const picture = new ImageData(side, side);
  const pixels = new Int32Array(picture.data.buffer);
  for (let i = 0; i < side * side; i += 1) pixels[i] = pixel(i);
  tile.getContext("2d").putImageData(picture, 0, 0);
  to.imageSmoothingEnabled = true;
  to.drawImage(tile, x, y, width, height);
}

// A circle, a triangle or a square: classes differ by shape too.
function point(to, x, y, label, colour, hollow) {
  const r = 3.4;
  to.beginPath();
  if (label === 1) {
    to.moveTo(x, y - 1.25 * r);
    to.lineTo(x + 1.15 * r, y + 0.8 * r);
    to.lineTo(x - 1.15 * r, y + 0.8 * r);
    to.closePath();
  } else if (label === 2) {
    to.rect(x - 0.9 * r, y - 0.9 * r, 1.8 * r, 1.8 * r);
  } else {
    to.arc(x, y, r, 0, 7);
  }
  to.lineWidth = hollow ? 1.6 : 1;
  if (hollow) {
    to.strokeStyle = `rgb(${colour})`;
  } else {
    to.fillStyle = `rgb(${colour})`;
    to.fill();
    to.strokeStyle = paint.card;
  }
  to.stroke();
}

function drawBoundary(id, data, plane) {
  const [to, width, height] = context(id);
  const [left, right, bottom, top] = plane;
  const a = plane.subarray(4);
  const across = (x) => ((x - left) / (right - left)) * width;
  const up = (y) => ((top - y) / (top - bottom)) * height;
  if (data.inputs === 1) {
    for (const { x, y, test } of data.rows) point(to, across(x[0]), up(y[0]), 0, paint.plus, test);
    to.beginPath();
    a.forEach((y, i) => to.lineTo(((i + 0.5) / a.length) * width, up(y)));
    to.strokeStyle = `rgb(${paint.minus})`;
    to.lineWidth = 3;
    to.stroke();
    return;
  }
  const side = Math.round(Math.sqrt(a.length / data.outputs));
  const size = side * side;
  const colour = (i) => {
    const sum = [0, 0, 0];
    for (let k = 0; k < data.outputs; k += 1) {
      paint.classes[k].forEach((c, j) => {
        sum[j] += a[k * size + i] * c;
      });
    }
    return packed(mix(paint.base, sum, 0.42));
  };
  image(to, side, colour, 0, 0, width, height);
  // The decision itself: where the largest output of a class meets the next one's.
  to.strokeStyle = paint.ink;
  to.lineWidth = 1.6;
  to.beginPath();
  for (let k = 0; k < (data.outputs === 2 ? 1 : data.outputs); k += 1) {
    const lead = (i) => {
      let other = -Infinity;
      for (let j = 0; j < data.outputs; j += 1) if (j !== k) other = Math.max(other, a[j * size + i]);
      return a[k * size + i] - other;
    };
    contour(side, lead, (x, y) => [((x + 0.5) * width) / side, ((y + 0.5) * height) / side], to);
  }
  to.stroke();
  for (const { x, label, test } of data.rows) point(to, across(x[0]), up(x[1]), label, paint.classes[label], test);
}

// The zeros of a function on a grid, by marching squares.
function contour(side, f, at, to) {
  for (let y = 0; y + 1 < side; y += 1) {
    for (let x = 0; x + 1 < side; x += 1) {
      const corners = [[x, y], [x + 1, y], [x + 1, y + 1], [x, y + 1]];
      const values = corners.map(([cx, cy]) => f(cy * side + cx));
      const crossings = [];
      for (let c = 0; c < 4; c += 1) {
        const [u, v] = [values[c], values[(c + 1) % 4]];
        if (u > 0 === v > 0) continue;
        const share = u / (u - v);
        const [[x0, y0], [x1, y1]] = [corners[c], corners[(c + 1) % 4]];
        crossings.push(at(x0 + (x1 - x0) * share, y0 + (y1 - y0) * share));
      }
      for (let c = 0; c + 1 < crossings.length; c += 2) {
        to.moveTo(...crossings[c]);
        to.lineTo(...crossings[c + 1]);
      }
    }
  }
}

const SHOWN = 8;
let lines = [];
function drawNetwork() {
  const [to, width, height] = context("network");
  const { sizes, weights, frame, data } = state;
  const columns = sizes.length;
  const most = Math.min(SHOWN, Math.max(...sizes));
  const size = Math.min(36, (height - 26) / most - 5, width / columns - 16);
  const centre = (l, i) => {
    const shown = Math.min(SHOWN, sizes[l]);
    return [(width * (l + 0.5)) / columns, (height - 12) / 2 + (i - (shown - 1) / 2) * ((height - 22) / most)];
  };
  lines = [];
  weights.forEach(({ inputs, outputs, w }, l) => {
    for (let i = 0; i < Math.min(SHOWN, inputs); i += 1) {
      for (let j = 0; j < Math.min(SHOWN, outputs); j += 1) {
        const value = w[i * outputs + j];
        const [[x0, y0], [x1, y1]] = [centre(l, i), centre(l + 1, j)];
        lines.push({ l, i, j, x0: x0 + size / 2, y0, x1: x1 - size / 2, y1 });
        to.beginPath();
        to.moveTo(x0 + size / 2, y0);
        to.bezierCurveTo((x0 + x1) / 2, y0, (x0 + x1) / 2, y1, x1 - size / 2, y1);
        to.lineWidth = Math.min(7, 0.4 + 2.2 * Math.abs(value));
        to.strokeStyle = `rgba(${value < 0 ? paint.minus : paint.plus}, ${Math.min(0.95, 0.2 + Math.abs(value) / 2)})`;
        to.stroke();
      }
    }
  });
  const side = data.inputs === 1 ? 0 : 24;
  const each = side * side || 24;
  let at = 4;
  sizes.forEach((units, l) => {
    for (let i = 0; i < Math.min(SHOWN, units); i += 1) {
      const [x, y] = centre(l, i);
      const [px, py] = [x - size / 2, y - size / 2];
      if (side && l === 0) {
        image(to, side, (p) => signed(i === 0 ? ((p % side) / side) * 2 - 1 : 1 - (Math.floor(p / side) / side) * 2), px, py, size, size);
      } else if (l > 0) {
        const a = frame.pictures.subarray(at + i * each, at + (i + 1) * each);
        let largest = 1e-9;
        for (let p = 0; p < each; p += 1) largest = Math.max(largest, Math.abs(a[p]));
        if (side) {
          image(to, side, (p) => signed(a[p] / largest), px, py, size, size);
        } else {
          to.fillStyle = paint.card;
          to.fillRect(px, py, size, size);
          to.beginPath();
          a.forEach((v, p) => to.lineTo(px + (p / 23) * size, y - (v / largest) * 0.42 * size));
          to.strokeStyle = `rgb(${paint.plus})`;
          to.lineWidth = 1.6;
          to.stroke();
        }
      } else {
        to.fillStyle = paint.card;
        to.fillRect(px, py, size, size);
        to.beginPath();
        to.moveTo(px, py + size);
        to.lineTo(px + size, py);
        to.strokeStyle = `rgb(${paint.plus})`;
        to.lineWidth = 1.6;
        to.stroke();
      }
      to.strokeStyle = paint.soft;
      to.lineWidth = 1;
      to.strokeRect(px, py, size, size);
      if (l === 0) {
        to.fillStyle = paint.ink;
        to.font = "12px system-ui, sans-serif";
        to.textAlign = "right";
        to.fillText(`x${subscript(i + 1)}`, px - 4, y + 4);
      }
    }
    if (l > 0) at += Math.min(SHOWN, units) * each;
    to.fillStyle = paint.soft;
    to.font = "12px system-ui, sans-serif";
    to.textAlign = "center";
    const more = units > SHOWN ? `${SHOWN} of ${units}` : `${units}`;
    to.fillText(more, centre(l, 0)[0], height - 5);
  });
  const chosen = lines.find(({ l, i, j }) => l === edited.l && i === edited.i && j === edited.j);
  if (chosen) {
    to.beginPath();
    const [x, y] = [(chosen.x0 + chosen.x1) / 2, (chosen.y0 + chosen.y1) / 2];
    to.arc(x, y, 4, 0, 7);
    to.fillStyle = paint.ink;
    to.fill();
    const text = number(weights[edited.l].w[edited.i * weights[edited.l].outputs + edited.j]);
    to.textAlign = "center";
    to.lineWidth = 4;
    to.strokeStyle = paint.card;
    to.strokeText(text, x, y - 9);
    to.fillText(text, x, y - 9);
  }
}

function drawCurve(id, series) {
  const [to, width, height] = context(id);
  const [left, bottom] = [44, height - 20];
  const points = series.flatMap(({ costs }) => costs).filter(([, cost]) => Number.isFinite(cost));
  if (points.length === 0) return;
  const last = Math.max(1, ...points.map(([step]) => step));
  const sorted = points.map(([, cost]) => cost).sort((a, b) => a - b);
  // A cost that explodes must not flatten everything else.
  const highest = Math.min(sorted.at(-1), 4 * sorted[Math.floor(sorted.length / 2)] + 0.5) * 1.06 || 1;
  const x = (step) => left + (step / last) * (width - left - 8);
  const y = (cost) => bottom - (Math.min(cost, highest) / highest) * (bottom - 8);
  to.font = "12px system-ui, sans-serif";
  to.fillStyle = paint.soft;
  to.strokeStyle = paint.line;
  to.lineWidth = 1;
  for (const share of [0, 0.5, 1]) {
    const cost = (highest / 1.06) * share;
    to.textAlign = "right";
    to.fillText(number(cost, 2), left - 6, y(cost) + 4);
    to.beginPath();
    to.moveTo(left, y(cost));
    to.lineTo(width - 8, y(cost));
    to.stroke();
  }
  to.textAlign = "left";
  to.fillText("0", left, height - 5);
  to.textAlign = "right";
  to.fillText(last === 1 ? "1 step" : `${last.toLocaleString("en")} steps`, width - 8, height - 5);
  for (const { costs, dashed, colour } of series) {
    to.beginPath();
    costs.filter(([, cost]) => Number.isFinite(cost)).forEach(([step, cost]) => to.lineTo(x(step), y(cost)));
    to.setLineDash(dashed ? [6, 4] : []);
    to.strokeStyle = `rgb(${colour})`;
    to.lineWidth = 2;
    to.stroke();
    if (costs.length === 1 && Number.isFinite(costs[0][1])) {
      to.fillStyle = `rgb(${colour})`;
      to.fillRect(x(costs[0][0]) - 2, y(costs[0][1]) - 2, 5, 5);
    }
  }
  to.setLineDash([]);
}

function drawAll() {
  if (!state.frame || view !== "train") return;
  drawBoundary("boundary", state.data, state.frame.plane);
  drawNetwork();
  drawCurve("curve", [
    { costs: state.costs.map(([step, , test]) => [step, test]), dashed: true, colour: paint.minus },
    { costs: state.costs, dashed: false, colour: paint.plus },
  ]);
  if (!state.playing) {
    const [, epoch, cost, right, testCost, testRight] = state.frame.measured;
    const classes = Number.isNaN(right) ? "" : `, ${percent(right)} right in training and ${percent(testRight)} in the test`;
    const text = `after ${epoch.toFixed(1)} epochs: cost ${number(cost)}, test ${number(testCost)}${classes}`;
    $("boundary").setAttribute("aria-label", `Outputs over the plane of ${settings.data}, ${text}`);
    $("curve").setAttribute("aria-label", `Cost of training and test, ${text}`);
    $("network").setAttribute("aria-label", `Network of ${state.sizes.join(", ")} units; the form below reads and changes its weights`);
  }
  readEdited();
  showNumbers();
}

// All parameters as tables, where somebody has opened them.
function showNumbers() {
  if (!$("numbers").open || state.playing) return;
  const list = $("parameters");
  list.replaceChildren();
  state.weights.forEach(({ inputs, outputs, w, b }, l) => {
    const name = (letter) => `${letter}${subscript(l + 1)}`;
    list.append(table({ name: name("W"), m: matrix(inputs, outputs, (r, c) => w[r * outputs + c]) }, 0, true));
    list.append(table({ name: name("b"), m: matrix(1, outputs, (_, c) => b[c]) }, 0, true));
  });
}
$("numbers").addEventListener("toggle", showNumbers);

// --- One weight to change ---

let edited = { l: 0, i: 0, j: 0 };
function readEdited() {
  const layer = state.weights?.[edited.l];
  if (!layer || document.activeElement === $("e-value")) return;
  $("e-layer").max = state.weights.length;
  $("e-from").max = layer.inputs;
  $("e-to").max = layer.outputs;
  $("e-value").value = Number(layer.w[edited.i * layer.outputs + edited.j].toPrecision(4));
}

function choose(l, i, j) {
  const bound = (value, length) => Math.max(0, Math.min(Math.floor(value) || 0, length - 1));
  l = bound(l, state.weights.length);
  edited = { l, i: bound(i, state.weights[l].inputs), j: bound(j, state.weights[l].outputs) };
  $("e-layer").value = edited.l + 1;
  $("e-from").value = edited.i + 1;
  $("e-to").value = edited.j + 1;
  drawAll();
}

for (const id of ["e-layer", "e-from", "e-to"]) {
  $(id).addEventListener("change", () => choose($("e-layer").value - 1, $("e-from").value - 1, $("e-to").value - 1));
}
// One change at a time; of several that come meanwhile the last counts.
let wanted = null;
async function setWeight(value) {
  const waits = wanted !== null;
  wanted = value;
  if (waits) return;
  const { l, i, j } = edited;
  for (let next = null; next !== wanted;) {
    next = wanted;
    await call("set", l, i, j, next);
    if (!state.playing) await draw(0, -1);
  }
  wanted = null;
}
$("e-value").addEventListener("input", () => {
  const value = Number($("e-value").value);
  if ($("e-value").value !== "" && Number.isFinite(value)) setWeight(value);
});
$("edit").addEventListener("submit", (event) => event.preventDefault());
$("settings").addEventListener("submit", (event) => event.preventDefault());
// The line under the pointer.
function nearest(event) {
  const box = $("network").getBoundingClientRect();
  const [x, y] = [event.clientX - box.left, event.clientY - box.top];
  let [found, least] = [null, 12];
  for (const line of lines) {
    for (let t = 0; t <= 1; t += 0.05) {
      // The Bézier curve that was drawn.
      const middle = (line.x0 + line.x1) / 2;
      const [u, v] = [1 - t, t];
      const px = u * u * u * line.x0 + 3 * u * v * middle + v * v * v * line.x1;
      const py = line.y0 * (u * u * u + 3 * u * u * v) + line.y1 * (3 * u * v * v + v * v * v);
      const distance = Math.hypot(px - x, py - y);
      if (distance < least) [found, least] = [line, distance];
    }
  }
  return found;
}
let drag = null;
$("network").addEventListener("pointerdown", (event) => {
  const line = nearest(event);
  if (!line) return;
  choose(line.l, line.i, line.j);
  // A finger scrolls the page.
  if (event.pointerType === "touch") return;
  $("network").setPointerCapture(event.pointerId);
  drag = { y: event.clientY, from: Number($("e-value").value) };
});
$("network").addEventListener("pointermove", (event) => {
  if (!drag) {
    $("network").style.cursor = nearest(event) ? "ns-resize" : "default";
    return;
  }
  const value = Number((drag.from + (drag.y - event.clientY) / 50).toFixed(2));
  $("e-value").value = value;
  setWeight(value);
});
for (const end of ["pointerup", "pointercancel"]) $("network").addEventListener(end, () => { drag = null; });
$("network").addEventListener("click", (event) => nearest(event) && $("e-value").focus());

// --- The form of the settings ---

function own(text) {
  settings = { ...settings, own: text };
  showSettings();
  anew();
}
$("own-text").addEventListener("change", () => own($("own-text").value.trim()));
$("own-clear").addEventListener("click", () => own(settings.own.split("\n").slice(0, -1).join("\n")));
// Points are painted while the pointer is down, and go into the list when it comes up.
let painted = null;
function paintPoint(event) {
  const box = $("boundary").getBoundingClientRect();
  const [left, right, bottom, top] = state.frame.plane;
  const [across, down] = [event.clientX - box.left, event.clientY - box.top];
  const before = painted.at(-1);
  if (before && Math.hypot(before.across - across, before.down - down) < 14) return;
  const label = Number($("own-class").value);
  const [x, y] = [left + (across / box.width) * (right - left), top - (down / box.height) * (top - bottom)];
  painted.push({ across, down, line: `${x.toFixed(2)}, ${y.toFixed(2)}, ${label}` });
  point($("boundary").getContext("2d"), across, down, label - 1, paint.classes[label - 1], false);
}
$("boundary").addEventListener("pointerdown", (event) => {
  if (settings.data !== "own" || !state.frame) return;
  $("boundary").setPointerCapture(event.pointerId);
  painted = [];
  paintPoint(event);
});
$("boundary").addEventListener("pointermove", (event) => painted && paintPoint(event));
$("boundary").addEventListener("pointercancel", () => { painted = null; });
$("boundary").addEventListener("pointerup", () => {
  if (!painted) return;
  const lines = painted.map(({ line }) => line);
  painted = null;
  own([settings.own, ...lines].join("\n").trim());
});

function showSettings() {
  $("train").classList.toggle("plain", plain);
  $("hide").setAttribute("aria-pressed", String(plain));
  for (const [name, list] of Object.entries(LISTS)) {
    const select = $(`s-${name}`);
    if (select.options.length === 0) list.forEach((word) => select.add(new Option(word)));
    select.value = name === "loss" && settings.data === "cosine" ? "squared error" : settings[name];
  }
  for (const name of ["samples", "noise", "seed", "rate", "momentum", "batch", "decay", "dropout"]) $(`s-${name}`).value = settings[name];
  $("own").hidden = settings.data !== "own";
  $("boundary").classList.toggle("paint", settings.data === "own");
  if (document.activeElement !== $("own-text")) $("own-text").value = settings.own;
  for (const name of ["samples", "noise"]) $(`s-${name}`).disabled = settings.data === "own";
  $("s-loss").disabled = settings.data === "cosine";
  const sgd = settings.optimizer === "sgd" || settings.optimizer === "nesterov";
  $("s-momentum").disabled = !sgd;
  const layers = $("layers");
  const focused = document.activeElement?.dataset?.change;
  layers.replaceChildren();
  const row = (text, shown, minus, plus, what) => {
    const div = document.createElement("div");
    div.className = "layer";
    const button = (sign, change, label) => {
      const made = Object.assign(document.createElement("button"), { type: "button", textContent: sign });
      made.setAttribute("aria-label", label);
      made.dataset.change = change;
      return made;
    };
    const output = Object.assign(document.createElement("output"), { textContent: shown });
    div.append(Object.assign(document.createElement("span"), { textContent: text }));
    div.append(button("−", minus, `Fewer ${what}`), output, button("+", plus, `More ${what}`));
    layers.append(div);
  };
  row("Hidden layers", settings.net.length, "layer,-1", "layer,1", "hidden layers");
  settings.net.forEach((units, l) => row(`Units of layer ${l + 1}`, units, `${l},-1`, `${l},1`, `units of layer ${l + 1}`));
  if (focused) layers.querySelector(`[data-change="${focused}"]`)?.focus();
}

$("layers").addEventListener("click", (event) => {
  const change = event.target.dataset.change;
  if (!change) return;
  const [what, by] = change.split(",");
  const net = [...settings.net];
  if (what === "layer") {
    if (Number(by) > 0) { if (net.length < MOST_LAYERS) net.push(4); } else net.pop();
  } else {
    net[Number(what)] = Math.max(1, Math.min(64, net[Number(what)] + Number(by)));
  }
  settings = { ...settings, net };
  showSettings();
  anew();
});
for (const name of Object.keys(START)) {
  if (name === "net" || name === "own") continue;
  $(`s-${name}`).addEventListener("change", (event) => {
    const value = event.target.value;
    settings = { ...settings, [name]: name in LISTS ? value : Number(value) };
    if (settings.data === "own" && !settings.own) settings.own = SOME_POINTS;
    if (name === "optimizer") settings.rate = value === "sgd" || value === "nesterov" ? 0.1 : 0.01;
    showSettings();
    anew();
  });
}

$("play").addEventListener("click", () => (state.playing ? stop() : play()));
$("step").addEventListener("click", async () => { stop(); await idle(); await draw(1, 0); toAddress(); });
$("epoch").addEventListener("click", async () => {
  stop();
  await idle();
  await draw(Math.ceil(state.data.train / Math.min(settings.batch, state.data.train)), 0);
  toAddress();
});
$("hide").addEventListener("click", () => {
  plain = !plain;
  showSettings();
  toAddress();
  drawAll();
});
$("anew").addEventListener("click", () => { stop(); anew(); });

// --- A step apart ---

const matrix = (rows, columns, at) => ({ rows, columns, at });
let stops = [];
let place = 0;
let chosen = [0, 0];
// The verdict on an answer, once there is one.
let answered = null;

function readWalk(flat) {
  const sizes = state.sizes;
  let at = 0;
  const take = (rows, columns) => {
    const values = flat.subarray(at, at + rows * columns);
    at += rows * columns;
    return matrix(rows, columns, (r, c) => values[r * columns + c]);
  };
  const n = flat[0];
  at = 1;
  const last = sizes.length - 2;
  const step = { n, x: take(n, sizes[0]), y: take(n, sizes.at(-1)), z: [], a: [], dz: [], da: [] };
  for (let l = 0; l <= last; l += 1) {
    step.z.push(take(n, sizes[l + 1]));
    step.a.push(take(n, sizes[l + 1]));
  }
  step.cost = take(1, 1);
  for (let l = 0; l <= last; l += 1) step.dz.push(take(n, sizes[l + 1]));
  for (let l = 1; l <= last; l += 1) step.da.push(take(n, sizes[l]));
  const parameters = () => {
    const layers = [];
    for (let l = 0; l <= last; l += 1) layers.push({ w: take(sizes[l], sizes[l + 1]), b: take(1, sizes[l + 1]) });
    return layers;
  };
  return { ...step, gradients: parameters(), before: parameters(), after: parameters() };
}

const SLOPES = {
  tanh: (z, a) => 1 - a * a,
  sigmoid: (z, a) => a * (1 - a),
  relu: (z) => (z > 0 ? 1 : 0),
  identity: () => 1,
  "leaky relu": (z) => (z > 0 ? 1 : 0.01),
  elu: (z) => (z > 0 ? 1 : Math.exp(z)),
  softplus: (z) => 1 / (1 + Math.exp(-z)),
  silu: (z) => ((s) => s * (1 + z * (1 - s)))(1 / (1 + Math.exp(-z))),
};
const SLOPE_WORDS = { tanh: "1 − a²", sigmoid: "a (1 − a)", relu: "1 where z > 0, else 0", identity: "1",
  "leaky relu": "1 where z > 0, else 0.01", elu: "1 where z > 0, else eᶻ", softplus: "σ(z)", silu: "σ(z) (1 + z (1 − σ(z)))", gelu: "Φ(z) + z φ(z)" };

// A sum over products, written out: at most so many terms.
function written(terms) {
  const shown = terms.length > 8 ? [...terms.slice(0, 6), null, terms.at(-1)] : terms;
  return shown.map((term) => (term === null ? "…" : term.map(inSum).join(" · "))).join(" + ");
}
const total = (terms) => terms.reduce((sum, term) => sum + term.reduce((product, x) => product * x, 1), 0);

function makeStops(step) {
  const last = step.z.length - 1;
  const { n } = step;
  const k = step.y.columns;
  const name = (letter, l) => `${letter}${subscript(l + 1)}`;
  const inputOf = (l) => (l === 0 ? { name: "X", m: step.x } : { name: name("A", l - 1), m: step.a[l - 1] });
  const cosine = settings.data === "cosine";
  const squared = cosine || settings.loss === "squared error";
  const list = [];
  const range = (length) => [...Array(length).keys()];
  const column = (operand, c, length) => range(length).map((r) => [operand, r, c]);
  const row = (operand, r, length) => range(length).map((c) => [operand, r, c]);

  for (let l = 0; l <= last; l += 1) {
    const before = inputOf(l);
    const { w, b } = step.before[l];
    const output = l === last;
    list.push({
      tag: "F1", layer: l, title: `Layer ${l + 1}: the pre-activations`, equation: `${name("Z", l)} = ${before.name} · ${name("W", l)} + 1bᵀ`,
      why: "Each example, a row, meets every column of weights; the bias is added to every row.",
      result: { name: name("Z", l), m: step.z[l] }, operands: [before, { name: name("W", l), m: w }, { name: name("b", l), m: b }], signs: ["·", "+"],
      explain: (r, j) => {
        const terms = range(w.rows).map((i) => [before.m.at(r, i), w.at(i, j)]);
        return { used: [...row(0, r, w.rows), ...column(1, j, w.rows), [2, 0, j]], value: total(terms) + b.at(0, j),
          text: `${entry("z", r, j)} = Σᵢ ${entry(l === 0 ? "x" : "a", r, "ᵢ")} ${entry("w", "ᵢ", j)} + ${entry("b", j)} = ${written(terms)} + ${inSum(b.at(0, j))}` };
      },
      question: { text: `What shape has ${name("Z", l)}?`, right: `[${n}, ${w.columns}]`, wrong: [`[${w.rows}, ${w.columns}]`, `[${w.columns}, ${n}]`], why: "a row for each example, a column for each unit" },
    });
    const softmax = output && !cosine;
    const f = output ? (cosine ? "identity" : "softmax") : settings.activation;
    list.push({
      tag: "F2", layer: l, title: `Layer ${l + 1}: the activations`, equation: `${name("A", l)} = f(${name("Z", l)}),  f = ${f}`,
      why: softmax ? "Softmax acts on a whole row: its entries are positive and sum to 1." : "Entry by entry.",
      result: { name: name("A", l), m: step.a[l] }, operands: [{ name: name("Z", l), m: step.z[l] }], signs: [],
      explain: (r, j) => {
        if (softmax) {
          const exponentials = range(k).map((i) => Math.exp(step.z[l].at(r, i)));
          const sum = exponentials.reduce((x, y) => x + y);
          return { used: row(0, r, k), value: exponentials[j] / sum, text: `${entry("a", r, j)} = e^${inSum(step.z[l].at(r, j))} / (${exponentials.map((e) => number(e, 4)).join(" + ")})` };
        }
        return { used: [[0, r, j]], value: step.a[l].at(r, j), text: `${entry("a", r, j)} = ${f}(${number(step.z[l].at(r, j), 4)})` };
      },
    });
  }

  const [z, a, dz] = [step.z[last], step.a[last], step.dz[last]];
  const operandsOfLoss = [{ name: name("A", last), m: a }, { name: "Y", m: step.y }];
  const cells = range(n).flatMap((r) => range(k).map((j) => [r, j]));
  list.push({
    tag: squared ? "C1" : "C3", layer: last, title: "The cost", equation: squared ? "L = 1/nk Σ (a − y)²" : "L = −1/n Σ y ln a",
    why: squared ? "One number for the batch: the mean over examples and outputs." : "One number for the batch: the mean over its examples of −ln a of the right class.",
    result: { name: "L", m: step.cost }, operands: operandsOfLoss, signs: [","],
    explain: () => {
      const parts = squared ? cells : cells.filter(([r, j]) => step.y.at(r, j) !== 0);
      const value = squared ? parts.reduce((sum, [r, j]) => sum + (a.at(r, j) - step.y.at(r, j)) ** 2, 0) / (n * k)
        : parts.reduce((sum, [r, j]) => sum - step.y.at(r, j) * Math.log(a.at(r, j)), 0) / n;
      const shown = parts.slice(0, 8).map(([r, j]) => (squared ? `${inSum(a.at(r, j) - step.y.at(r, j))}²` : `(−ln ${number(a.at(r, j), 4)})`));
      return { used: parts.flatMap(([r, j]) => [[0, r, j], [1, r, j]]), value,
        text: `L = 1/${squared ? n * k : n} · (${shown.join(" + ")}${parts.length > 8 ? " + …" : ""})` };
    },
  });

  const canonical = cosine || !squared;
  const factor = cosine ? 2 / (n * k) : 1 / n;
  const scale = cosine ? `2/${n * k}` : `1/${n}`;
  list.push({
    tag: "B1", variant: canonical ? (cosine ? "B1 identity" : "B1 softmax") : "B1 general", layer: last, title: "Where the backward pass starts",
    equation: canonical ? `d${name("Z", last)} = ${cosine ? "2/nk" : "1/n"} (${name("A", last)} − Y)` : `d${name("Z", last)} = ∂L/∂A ⊙ f′(Z), for softmax its Jacobian`,
    why: canonical ? "Loss and output activation are a canonical pair: their slopes cancel to the difference. The 1/n of the mean enters here, once, and nowhere else."
      : "No canonical pair: first the slope of the loss, then softmax's Jacobian, which mixes the entries of a row.",
    result: { name: `d${name("Z", last)}`, m: dz }, operands: operandsOfLoss, signs: ["−"],
    explain: (r, j) => {
      if (canonical) {
        return { used: [[0, r, j], [1, r, j]], value: factor * (a.at(r, j) - step.y.at(r, j)), text: `${entry("dz", r, j)} = ${scale} · (${number(a.at(r, j), 4)} − ${number(step.y.at(r, j), 4)})` };
      }
      const da = (i) => (2 / (n * k)) * (a.at(r, i) - step.y.at(r, i));
      const mean = range(k).reduce((sum, i) => sum + a.at(r, i) * da(i), 0);
      return { used: [...row(0, r, k), ...row(1, r, k)], value: a.at(r, j) * (da(j) - mean),
        text: `${entry("dz", r, j)} = aⱼ (daⱼ − Σᵢ aᵢ daᵢ) = ${number(a.at(r, j), 4)} · (${number(da(j), 4)} − ${inSum(mean)}), with da = 2/nk (a − y)` };
    },
    question: "sign",
    jacobian: cosine ? null : (r) => {
      const da = matrix(1, k, (_, i) => (squared ? (2 / (n * k)) * (a.at(r, i) - step.y.at(r, i)) : -step.y.at(r, i) / a.at(r, i) / n));
      return { da, of: matrix(k, k, (i, j) => a.at(r, i) * ((i === j ? 1 : 0) - a.at(r, j))), dz: matrix(1, k, (_, j) => dz.at(r, j)) };
    },
  });

  for (let l = last; l >= 0; l -= 1) {
    const before = inputOf(l);
    const d = { name: `d${name("Z", l)}`, m: step.dz[l] };
    const { w } = step.before[l];
    const { w: dw, b: db } = step.gradients[l];
    list.push({
      tag: "B4", layer: l, title: `Layer ${l + 1}: the gradient of the weights`, equation: `d${name("W", l)} = ${before.name}ᵀ · d${name("Z", l)}`,
      why: "wᵢⱼ stood in zᵣⱼ with the factor aᵣᵢ, in every row r: so the sum runs over the examples, down a column of each. That is where the transpose comes from.",
      result: { name: `d${name("W", l)}`, m: dw }, operands: [{ ...before, note: `; read down its columns, the rows of ${before.name}ᵀ` }, d], signs: ["·"],
      explain: (i, j) => {
        const terms = range(n).map((r) => [before.m.at(r, i), d.m.at(r, j)]);
        return { used: [...column(0, i, n), ...column(1, j, n)], value: total(terms), text: `${entry("dw", i, j)} = Σᵣ ${entry(l === 0 ? "x" : "a", "ᵣ", i)} ${entry("dz", "ᵣ", j)} = ${written(terms)}` };
      },
      question: { text: `Over what does the sum of one entry of d${name("W", l)} run?`, right: "the examples", wrong: ["the inputs", "the units"], why: "a weight is used once by every example, and the cost feels all of these uses" },
    });
    list.push({
      tag: "B5", layer: l, title: `Layer ${l + 1}: the gradient of the biases`, equation: `d${name("b", l)} = Σᵣ d${name("Z", l)}, row by row`,
      why: "bⱼ stood in zᵣⱼ of every row, with the factor 1: a sum, not a mean. The 1/n is in dZ already.",
      result: { name: `d${name("b", l)}`, m: db }, operands: [d], signs: [],
      explain: (_, j) => {
        const terms = range(n).map((r) => [d.m.at(r, j)]);
        return { used: column(0, j, n), value: total(terms), text: `${entry("db", j)} = Σᵣ ${entry("dz", "ᵣ", j)} = ${written(terms)}` };
      },
      question: { text: "Why a sum over the examples, and not their mean?", right: "the 1/n is in dZ", wrong: ["biases count n times", "a mean would have another shape"], why: "the 1/n of the cost came in at B1, and everything after it carries it along" },
    });
    if (l === 0) continue;
    const da = { name: `d${name("A", l - 1)}`, m: step.da[l - 1] };
    list.push({
      tag: "B2", layer: l, title: `Back through layer ${l + 1}, to what it was given`, equation: `${da.name} = d${name("Z", l)} · ${name("W", l)}ᵀ`,
      why: "Input i reached every unit j, with the factor wᵢⱼ: so the sum runs over the units, along a row of W. In a square layer dZ · W has the right shape as well, and is wrong: the index tells.",
      result: da, operands: [d, { name: name("W", l), m: w, note: `; read along its rows, the columns of ${name("W", l)}ᵀ` }], signs: ["·"],
      explain: (r, i) => {
        const terms = range(w.columns).map((j) => [d.m.at(r, j), w.at(i, j)]);
        return { used: [...row(0, r, w.columns), ...row(1, i, w.columns)], value: total(terms), text: `${entry("da", r, i)} = Σⱼ ${entry("dz", r, "ⱼ")} ${entry("w", i, "ⱼ")} = ${written(terms)}` };
      },
      question: { text: `Which entries of ${name("W", l)} does one entry of ${da.name} need?`, right: "a row", wrong: ["a column", "all"], why: "the row of W holds the factors with which this input reached every unit" },
    });
    const f = settings.activation;
    list.push({
      tag: "B3", layer: l - 1, title: `Layer ${l}: back through the activation`, equation: `d${name("Z", l - 1)} = ${da.name} ⊙ f′(${name("Z", l - 1)})`,
      why: `Entry by entry, times the slope: for ${f}, f′ = ${SLOPE_WORDS[f]}. Where the slope is near 0, the gradient ends.`,
      result: { name: `d${name("Z", l - 1)}`, m: step.dz[l - 1] }, operands: [da, { name: name("Z", l - 1), m: step.z[l - 1] }, { name: name("A", l - 1), m: step.a[l - 1] }], signs: ["⊙ f′", "with"],
      explain: (r, j) => {
        const slope = SLOPES[f] ? SLOPES[f](step.z[l - 1].at(r, j), step.a[l - 1].at(r, j)) : step.dz[l - 1].at(r, j) / da.m.at(r, j);
        return { used: [[0, r, j], [1, r, j], [2, r, j]], value: da.m.at(r, j) * slope, text: `${entry("dz", r, j)} = ${entry("da", r, j)} · f′(${entry("z", r, j)}) = ${inSum(da.m.at(r, j))} · ${number(slope, 4)}` };
      },
      question: "sign",
    });
  }

  const plain = settings.optimizer === "sgd" || settings.optimizer === "nesterov";
  for (let l = 0; l <= last; l += 1) {
    const [w, dw, after] = [step.before[l].w, step.gradients[l].w, step.after[l].w];
    const tag = { sgd: "U1", nesterov: "U2", rmsprop: "U3", adam: "U4" }[settings.optimizer];
    list.push({
      tag, layer: l, title: `Layer ${l + 1}: the step`,
      equation: { U1: "V ← μV − ηG,   W ← W + V", U2: "V ← μV − ηG,   W ← W + μV − ηG", U3: "v ← ρv + (1 − ρ) dW²,   W ← W − η dW / (√v + ε)", U4: "W ← W − η m̂ / (√v̂ + ε)" }[tag],
      why: plain ? "Against the gradient, times the rate; what momentum has kept is added. The bias moves in the same way." : "Against the gradient, with a rate of its own for every weight.",
      result: { name: `${name("W", l)} after`, m: after }, operands: [{ name: name("W", l), m: w }, { name: `d${name("W", l)}`, m: dw }], signs: [","],
      explain: (i, j) => {
        const moved = after.at(i, j) - w.at(i, j);
        const own = -settings.rate * (dw.at(i, j) + settings.decay * w.at(i, j));
        const rest = moved - own;
        const text = plain
          ? `${entry("w", i, j)} ← ${number(w.at(i, j), 4)} − ${settings.rate} · ${inSum(dw.at(i, j) + settings.decay * w.at(i, j))}${Math.abs(rest) > 1e-12 ? ` + ${inSum(rest)} from momentum` : ""}`
          : `${entry("w", i, j)} ← ${number(w.at(i, j), 4)} + ${inSum(moved)}`;
        return { used: [[0, i, j], [1, i, j]], value: after.at(i, j), text };
      },
    });
  }
  return list;
}

const QUOTES = JSON.parse($("quotes").textContent);
const escape = (text) => text.replace(/[&<>]/g, (c) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;" })[c]);

async function walk() {
  await idle();
  if (!state.data) return;
  try {
    stops = makeStops(readWalk(await call("walk", Number($("rows").value))));
    complain("");
  } catch (error) {
    complain(error.message);
    return;
  }
  place = Math.min(place, stops.length - 1);
  const list = $("stops");
  list.replaceChildren();
  let group = "";
  stops.forEach((stop, i) => {
    const button = Object.assign(document.createElement("button"), { type: "button", textContent: `${stop.tag}${/^[FBU]/.test(stop.tag) ? ` ·${stop.layer + 1}` : ""}` });
    button.setAttribute("aria-label", `${stop.tag}, ${stop.title}`);
    button.title = stop.title;
    button.addEventListener("click", () => go(i));
    const item = document.createElement("li");
    const begins = { F: "Forward", C: "Cost", B: "Backward", U: "Step" }[stop.tag[0]];
    if (begins !== group) item.append(Object.assign(document.createElement("span"), { textContent: begins }));
    group = begins;
    item.append(button);
    list.append(item);
  });
  go(place);
}

function go(to) {
  place = Math.max(0, Math.min(to, stops.length - 1));
  answered = null;
  chosen = [0, 0];
  showStop();
}

const hidden = () => $("ask").checked && !answered && Boolean(stops[place].question);

function showStop() {
  const stop = stops[place];
  document.querySelectorAll("#stops button").forEach((button, i) => {
    i === place ? button.setAttribute("aria-current", "step") : button.removeAttribute("aria-current");
  });
  $("back").disabled = place === 0;
  $("on").disabled = place === stops.length - 1;
  $("stop-title").textContent = `(${stop.tag}) ${stop.title}`;
  $("stop-equation").textContent = stop.equation;
  $("stop-why").textContent = hidden() ? "" : stop.why;
  const quote = QUOTES[stop.variant ?? stop.tag] ?? QUOTES[stop.tag];
  $("line").textContent = quote.text;
  $("file").textContent = `${quote.file}, line ${quote.line}`;
  $("file").href = `../${quote.file}`;
  $("chapter").textContent = quote.title;
  $("chapter").href = `../derivation/${quote.chapter}`;
  showQuestion(stop);
  const arrays = $("arrays");
  arrays.replaceChildren();
  stop.operands.forEach((operand, o) => {
    if (o > 0) arrays.append(Object.assign(document.createElement("span"), { className: "sign", textContent: stop.signs[o - 1] }));
    arrays.append(table(operand, o));
  });
  arrays.append(Object.assign(document.createElement("span"), { className: "sign", textContent: "→" }));
  arrays.append(table(stop.result, -1));
  choose2(...chosen);
}

// The way of one row through softmax's Jacobian.
function showJacobian(stop) {
  const box = $("extra");
  box.hidden = !stop.jacobian || hidden();
  if (box.hidden) return;
  const [row, { da, of, dz }] = [chosen[0], stop.jacobian(chosen[0])];
  const example = subscript(row + 1);
  const text = document.createElement("p");
  text.textContent = `The same by way of softmax's Jacobian J, aᵢ (δᵢⱼ − aⱼ). It mixes the outputs of one example, and never two examples: in a batch every row has a J of its own, here row ${row + 1}.`;
  const arrays = Object.assign(document.createElement("div"), { className: "arrays" });
  const sign = (textContent) => Object.assign(document.createElement("span"), { className: "sign", textContent });
  const slope = stop.variant === "B1 softmax" ? "outputs: −y / (na)" : "outputs: 2/nk (a − y)";
  arrays.append(table({ name: `∂L/∂a${example}`, m: da, axes: slope }, 9), sign("·"), table({ name: `J${example}`, m: of, axes: "outputs × outputs" }, 9),
    sign("="), table({ name: `dz${example}`, m: dz, axes: `row ${row + 1} of ${stop.result.name}` }, 9));
  box.replaceChildren(text, arrays);
}

// What the rows and the columns of an array are, by its letter.
const AXES = [[/^X/, "examples × inputs"], [/^Y/, "examples × outputs"], [/^d?[ZA]/, "examples × units"], [/^d?W/, "inputs × units"], [/^d?b/, "units"]];

function table({ name, m, note = "", axes = AXES.find(([letter]) => letter.test(name))?.[1] ?? "" }, operand, always = false) {
  const box = document.createElement("div");
  box.className = operand < 0 ? "scroll result" : "scroll";
  const made = document.createElement("table");
  const vector = name.includes("b") && m.rows === 1;
  made.innerHTML = `<caption><i>${escape(name)}</i> <span>[${vector ? "" : `${m.rows}, `}${m.columns}]</span>${axes ? `<span class="axes">${axes}${stops.length > 0 && hidden() ? "" : note}</span>` : ""}</caption>`;
  const shade = !always && (m.columns > 10 || m.rows > 16);
  if (shade) made.className = "shade";
  let largest = 1e-12;
  for (let r = 0; r < m.rows; r += 1) for (let c = 0; c < m.columns; c += 1) largest = Math.max(largest, Math.abs(m.at(r, c)));
  const head = made.createTHead().insertRow();
  head.append(document.createElement("td"));
  const body = made.createTBody();
  const title = (text, scope) => Object.assign(document.createElement("th"), { textContent: text, scope });
  if (!shade) for (let c = 0; c < m.columns; c += 1) head.append(title(c + 1, "col"));
  else head.remove();
  for (let r = 0; r < m.rows; r += 1) {
    const row = body.insertRow();
    if (!shade) row.append(title(r + 1, "row"));
    for (let c = 0; c < m.columns; c += 1) {
      const cell = row.insertCell();
      const value = m.at(r, c);
      cell.dataset.at = `${operand},${r},${c}`;
      const covered = operand < 0 && hidden();
      cell.textContent = covered ? "?" : number(value);
      if (!covered) {
        const strength = (0.42 * Math.abs(value)) / largest;
        cell.style.background = `rgba(${value < 0 ? paint.minus : paint.plus}, ${shade ? strength * 2 : strength})`;
      }
      if (operand < 0) cell.tabIndex = r === chosen[0] && c === chosen[1] ? 0 : -1;
    }
  }
  box.append(made);
  return box;
}

function choose2(r, c) {
  const stop = stops[place];
  const { m } = stop.result;
  chosen = [Math.max(0, Math.min(r, m.rows - 1)), Math.max(0, Math.min(c, m.columns - 1))];
  const { used, value, text } = stop.explain(...chosen);
  // The entries that make it up would give most answers away.
  const shown = hidden() && stop.question !== "sign" ? [] : used;
  const marks = new Set(shown.map((entry) => entry.join(",")));
  document.querySelectorAll("#arrays td[data-at]").forEach((cell) => {
    cell.classList.toggle("used", marks.has(cell.dataset.at));
    const here = cell.dataset.at === `-1,${chosen.join(",")}`;
    cell.classList.toggle("chosen", here);
    if (cell.dataset.at.startsWith("-1")) cell.tabIndex = here ? 0 : -1;
  });
  const where = m.rows * m.columns > 1 ? `Row ${chosen[0] + 1}, column ${chosen[1] + 1}: ` : "";
  showJacobian(stop);
  $("sum").textContent = hidden() ? "" : `${where}${text} = ${number(value, 6)}`;
}

function showQuestion(stop) {
  const box = $("question");
  box.hidden = !($("ask").checked && stop.question);
  if (box.hidden) return;
  let { question } = stop;
  if (question === "sign") {
    const value = stop.result.m.at(0, 0);
    const right = value > 0 ? "positive" : value < 0 ? "negative" : "zero";
    question = { text: `Which sign has the first entry of ${stop.result.name}?`, right, wrong: ["positive", "negative", "zero"].filter((word) => word !== right),
      why: stop.tag === "B1" ? "the output is above its target where it is positive, and below it where it is negative" : "the sign of dA, times a slope that is (almost) never negative" };
  }
  const text = document.createElement("p");
  text.textContent = question.text;
  box.replaceChildren(text);
  for (const answer of [question.right, ...question.wrong].sort()) {
    const button = Object.assign(document.createElement("button"), { type: "button", textContent: answer, disabled: Boolean(answered) });
    button.addEventListener("click", () => {
      const right = answer === question.right;
      answered = { textContent: `${right ? "Right" : `Not ${answer}, but ${question.right}`}: ${question.why}.`, className: right ? "good" : "bad" };
      showStop();
    });
    box.append(button);
  }
  if (answered) box.append(Object.assign(document.createElement("p"), answered));
}

$("arrays").addEventListener("pointerover", (event) => pointed(event.target, false));
$("arrays").addEventListener("click", (event) => pointed(event.target, true));
$("arrays").addEventListener("focusin", (event) => pointed(event.target, false));
function pointed(cell, focus) {
  const at = cell.dataset?.at?.split(",").map(Number);
  if (!at || at[0] >= 0) return;
  choose2(at[1], at[2]);
  if (focus) cell.focus();
}
document.addEventListener("keydown", (event) => {
  if (view !== "apart" || event.altKey || event.ctrlKey || event.metaKey) return;
  const move = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] }[event.key];
  if (!move || ["INPUT", "SELECT"].includes(event.target.tagName)) return;
  if (event.target.dataset?.at) {
    event.preventDefault();
    choose2(chosen[0] + move[0], chosen[1] + move[1]);
    document.querySelector(`#arrays td[data-at="-1,${chosen.join(",")}"]`)?.focus();
  } else if (move[0] === 0) {
    event.preventDefault();
    go(place + move[1]);
  }
});
$("back").addEventListener("click", () => go(place - 1));
$("on").addEventListener("click", () => go(place + 1));
$("rows").addEventListener("change", walk);
$("ask").addEventListener("change", () => { answered = null; showStop(); });
$("take").addEventListener("click", async () => { await idle(); await draw(1, 0); toAddress(); await walk(); });

// --- Break it ---

const STEADY = { ...START, net: [6, 6], momentum: 0.9, rate: 0.1 };
const MISTAKES = [
  { name: "1/n forgotten", plant: 1, text: "B1 without the 1/n of the mean: every gradient is as many times too long as the batch has rows, 20 in training and 8 in the check. It points the right way, so it looks like a rate that is too high, and that changes with the batch." },
  { name: "A transpose left out", plant: 2, text: "B2 with W in place of Wᵀ. The second hidden layer is square, so every shape fits, and nothing complains. The last layers still learn; what comes before them is pulled in directions that mean nothing." },
  { name: "Softmax, diagonal only", plant: 3, text: "B1 with ∂aᵢ/∂zᵢ alone, as if softmax acted entry by entry. It even learns, since the right class is still pushed up; but the other classes are never pushed down, and the check sees it at once." },
  { name: "f′ forgotten", plant: 4, text: "B3 without the slope. Units that are saturated, where f′ is nearly 0, are pushed on as hard as all others." },
  { name: "One row in the bias", plant: 5, text: "B5 takes the first row in place of the sum over all rows. The weights make up for most of it." },
  { name: "Zero weights", plant: 0, change: { start: "zeros" }, text: "All units of a layer are equal, get equal gradients, and stay equal for ever; with zeros everywhere no gradient passes a layer at all. The gradients are right (the check passes): the start is wrong." },
  { name: "Sigmoids in a deep net", plant: 0, both: { net: [6, 6, 6, 6, 6, 6] }, change: { activation: "sigmoid" }, text: "Six hidden layers: tanh on the left, sigmoids on the right. A sigmoid's slope is at most ¼, and six of them multiply: the first layers hardly get a gradient. The gradients are right, and tiny." },
  { name: "Rate too high", plant: 0, change: { rate: 5 }, text: "η = 5 in place of 0.1. Every step shoots over the valley; units saturate, and the cost jumps or stays high. The gradients are right, and the steps too long." },
];
let mistake = 0;
let broken = null;

function listMistakes() {
  $("mistakes").replaceChildren(...MISTAKES.map(({ name }, i) => {
    const button = Object.assign(document.createElement("button"), { type: "button", textContent: name });
    button.addEventListener("click", () => breakIt(i));
    return button;
  }));
}

async function breakIt(i) {
  mistake = i;
  const { name, text, plant, change = {}, both = {} } = MISTAKES[i];
  [...$("mistakes").children].forEach((button, j) => button.setAttribute("aria-pressed", String(i === j)));
  $("mistake-title").textContent = name;
  $("mistake-text").textContent = text;
  stop();
  await idle();
  state.busy = true;
  try {
    broken = [
      await call("run", asNumbers({ ...STEADY, ...both }), 0, 400, 80),
      await call("run", asNumbers({ ...STEADY, ...both, ...change }), plant, 400, 80),
    ];
    complain("");
    showBroken();
  } catch (error) {
    complain(error.message);
  } finally {
    state.busy = false;
  }
}

function showBroken() {
  if (!broken || view !== "break") return;
  ["right", "wrong"].forEach((id, i) => {
    const run = broken[i];
    drawBoundary(id, readData(run.data), run.plane);
    const [, , cost, share] = run.measured;
    const words = run.problem ? `stopped: ${run.problem}` : `cost ${number(cost)}, ${percent(share)} right`;
    $(`${id}-text`).textContent = `${i ? "Broken" : "Right"}: ${words}`;
    $(id).setAttribute("aria-label", `Boundary of the ${i ? "broken" : "right"} network after 400 steps: ${words}`);
  });
  drawCurve("both", [
    { costs: broken[0].costs, dashed: false, colour: paint.plus },
    { costs: broken[1].costs, dashed: true, colour: paint.minus },
  ]);
  const body = $("checks").tBodies[0];
  body.replaceChildren();
  broken.forEach(({ check }, i) => {
    const row = body.insertRow();
    row.append(Object.assign(document.createElement("th"), { scope: "row", textContent: i ? "broken" : "right" }));
    const [error, layer, analytic, numeric] = check ?? [NaN, NaN, NaN, NaN];
    const passes = error < 1e-5;
    const verdict = row.insertCell();
    verdict.className = passes ? "good" : "bad";
    verdict.textContent = check ? (passes ? "passes" : "fails") : "–";
    for (const text of [number(error, 2), number(layer + 1), number(analytic, 4), number(numeric, 4)]) row.insertCell().textContent = text;
  });
}

// --- A digit ---

const STROKES = [
  [[[0.5, 0.1], [0.32, 0.22], [0.26, 0.5], [0.32, 0.8], [0.5, 0.9], [0.68, 0.8], [0.74, 0.5], [0.68, 0.22], [0.5, 0.1]]],
  [[[0.52, 0.1], [0.5, 0.9]]],
  [[[0.26, 0.3], [0.36, 0.13], [0.58, 0.1], [0.73, 0.26], [0.65, 0.5], [0.25, 0.88], [0.8, 0.88]]],
  [[[0.28, 0.15], [0.55, 0.1], [0.72, 0.25], [0.6, 0.44], [0.42, 0.48], [0.65, 0.53], [0.75, 0.7], [0.6, 0.88], [0.28, 0.86]]],
  [[[0.32, 0.12], [0.27, 0.52], [0.78, 0.52]], [[0.68, 0.12], [0.65, 0.9]]],
  [[[0.74, 0.12], [0.36, 0.12], [0.31, 0.45], [0.55, 0.42], [0.72, 0.58], [0.68, 0.8], [0.5, 0.9], [0.26, 0.84]]],
  [[[0.62, 0.1], [0.42, 0.3], [0.3, 0.6], [0.36, 0.84], [0.56, 0.9], [0.7, 0.76], [0.6, 0.58], [0.42, 0.58], [0.31, 0.7]]],
  [[[0.25, 0.13], [0.76, 0.13], [0.58, 0.5], [0.45, 0.9]]],
  [[[0.5, 0.48], [0.33, 0.34], [0.36, 0.15], [0.55, 0.1], [0.69, 0.22], [0.64, 0.38], [0.5, 0.48], [0.32, 0.65], [0.35, 0.85], [0.55, 0.9], [0.7, 0.8], [0.67, 0.62], [0.5, 0.48]]],
  [[[0.7, 0.25], [0.55, 0.11], [0.36, 0.2], [0.34, 0.4], [0.5, 0.5], [0.66, 0.42], [0.7, 0.25], [0.67, 0.6], [0.6, 0.9]]],
];
let drawing = [];

function drawStrokes(to, size, colour) {
  to.lineWidth = 0.085 * size;
  to.lineCap = to.lineJoin = "round";
  to.strokeStyle = colour;
  for (const stroke of drawing) {
    to.beginPath();
    stroke.forEach(([x, y]) => to.lineTo(x * size, y * size));
    if (stroke.length === 1) to.lineTo(stroke[0][0] * size + 0.1, stroke[0][1] * size);
    to.stroke();
  }
}

// As MNIST was made: the digit in a box of 20 × 20, its centre of mass in the middle of 28 × 28.
function pictureOfDigit() {
  const size = 224;
  const [large, small] = [document.createElement("canvas"), document.createElement("canvas")];
  large.width = large.height = size;
  small.width = small.height = 28;
  const [from, to] = [large, small].map((canvas) => canvas.getContext("2d", { willReadFrequently: true }));
  drawStrokes(from, size, "#000");
  const ink = from.getImageData(0, 0, size, size).data;
  let [left, top, right, bottom, mass, x, y] = [size, size, -1, -1, 0, 0, 0];
  for (let i = 0; i < size * size; i += 1) {
    const here = ink[4 * i + 3];
    if (here === 0) continue;
    const [column, row] = [i % size, Math.floor(i / size)];
    [left, right, top, bottom] = [Math.min(left, column), Math.max(right, column), Math.min(top, row), Math.max(bottom, row)];
    mass += here;
    x += here * column;
    y += here * row;
  }
  if (mass === 0) return null;
  const scale = 20 / Math.max(right - left + 1, bottom - top + 1);
  to.imageSmoothingQuality = "high";
  to.drawImage(large, 14 - (scale * x) / mass, 14 - (scale * y) / mass, scale * size, scale * size);
  const { data } = to.getImageData(0, 0, 28, 28);
  return Array.from({ length: 784 }, (_, i) => data[4 * i + 3] / 255);
}

async function showDigit() {
  const [to, width] = context("pad");
  drawStrokes(to, width, paint.ink);
  const [seen, size] = context("seen");
  const picture = pictureOfDigit();
  const bars = $("bars");
  let probabilities = Array(10).fill(0);
  if (picture) {
    const cell = size / 28;
    picture.forEach((value, i) => {
      seen.fillStyle = `rgb(${mix(paint.base, paint.plus, value)})`;
      seen.fillRect((i % 28) * cell, Math.floor(i / 28) * cell, cell - 0.5, cell - 0.5);
    });
    probabilities = [...(await call("digit", picture))];
  }
  if (bars.children.length === 0) {
    bars.append(...probabilities.map((_, digit) => {
      const item = document.createElement("li");
      item.innerHTML = `<span>${digit}</span><i aria-hidden="true"><b></b></i><span></span>`;
      return item;
    }));
  }
  probabilities.forEach((p, digit) => {
    bars.children[digit].querySelector("b").style.width = `${100 * p}%`;
    bars.children[digit].lastChild.textContent = percent(p);
  });
  const best = probabilities.indexOf(Math.max(...probabilities));
  $("verdict").textContent = picture ? `A ${best}, with ${percent(probabilities[best])}.` : "Nothing drawn yet.";
}

function listStrokes() {
  $("strokes").replaceChildren(...STROKES.map((strokes, digit) => {
    const button = Object.assign(document.createElement("button"), { type: "button", textContent: digit });
    button.addEventListener("click", () => { drawing = strokes.map((stroke) => [...stroke]); showDigit(); });
    return button;
  }));
}
$("wipe").addEventListener("click", () => { drawing = []; showDigit(); });
const onPad = (event) => {
  const box = $("pad").getBoundingClientRect();
  return [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height];
};
$("pad").addEventListener("pointerdown", (event) => {
  $("pad").setPointerCapture(event.pointerId);
  drawing.push([onPad(event)]);
  showDigit();
});
$("pad").addEventListener("pointermove", (event) => {
  if (!$("pad").hasPointerCapture(event.pointerId)) return;
  drawing.at(-1).push(onPad(event));
  showDigit();
});

// --- Views ---

async function show(which) {
  view = which;
  for (const id of ["train", "apart", "break", "digit"]) $(id).hidden = id !== view;
  document.querySelectorAll("nav button").forEach((button) => {
    button.dataset.view === view ? button.setAttribute("aria-current", "page") : button.removeAttribute("aria-current");
  });
  toAddress();
  if (view !== "train") stop();
  if (view === "train") drawAll();
  if (view === "apart") await walk();
  if (view === "break") await breakIt(mistake);
  if (view === "digit") await showDigit();
}
document.querySelectorAll("nav button").forEach((button) => button.addEventListener("click", () => show(button.dataset.view)));

function redraw() {
  readColours();
  drawAll();
  showBroken();
  if (view === "apart" && stops.length > 0) showStop();
  if (view === "digit") showDigit();
}
addEventListener("resize", redraw);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
addEventListener("hashchange", async () => {
  const [read, steps] = fromAddress();
  settings = read;
  showSettings();
  await anew(steps);
  await show(view);
});

async function begin() {
  readColours();
  const text = atob($("wasm").textContent.trim());
  const bytes = Uint8Array.from(text, (c) => c.charCodeAt(0));
  await call("load", bytes);
  const [read, steps] = fromAddress();
  settings = read;
  listMistakes();
  listStrokes();
  showSettings();
  await anew(steps);
  await show(view);
}

// For the test of this page, and for whoever is curious in the console.
globalThis.playground = { ready: begin(), call, state, asNumbers, START, stops: () => stops, broken: () => broken, show, breakIt, go };
