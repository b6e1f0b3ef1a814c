// docs/playground.html in a real Chromium, opened from the disk: node playground/test.mjs CHROMIUM REFERENCE [PICTURES]
//
// REFERENCE is the native program of examples/reference.rs; with a folder PICTURES, screenshots go there. Speaks the DevTools
// protocol over a pipe, so that nothing has to be installed.
//
// node playground/test.mjs --speed CHROMIUM SPEED [NN] prints how fast the page is, and asserts nothing. SPEED is the native
// program of examples/speed.rs, NN the nn.ts of TensorFlow Playground as a script that defines `nn`.
import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const words = process.argv.slice(2);
const measuring = words[0] === "--speed";
const [chromium, reference, pictures] = measuring ? words.slice(1) : words;
const page = pathToFileURL(fileURLToPath(new URL("../docs/playground.html", import.meta.url))).href;
const profile = mkdtempSync(join(tmpdir(), "playground-"));
const browser = spawn(chromium, [
  "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
  "--disable-component-update", "--disable-sync", "--hide-scrollbars", `--user-data-dir=${profile}`, "--remote-debugging-pipe", "about:blank",
], { stdio: ["ignore", "ignore", "ignore", "pipe", "pipe"] });

const answers = new Map();
const problems = [];
const requests = [];
let sent = 0;
let session;

function send(method, params = {}, sessionId = session) {
  sent += 1;
  browser.stdio[3].write(`${JSON.stringify({ id: sent, method, params, sessionId })}\0`);
  return new Promise((resolve, reject) => answers.set(sent, { resolve, reject, method }));
}

const joined = (args) => args.map(({ value, description }) => value ?? description).join(" ");
function receive({ id, result, error, method, params, sessionId }) {
  if (id) {
    const { resolve, reject, method: asked } = answers.get(id);
    answers.delete(id);
    return error ? reject(new Error(`${asked}: ${error.message}`)) : resolve(result);
  }
  if (method === "Network.requestWillBeSent") requests.push(params.request.url);
  if (method === "Runtime.exceptionThrown") problems.push(params.exceptionDetails.exception?.description ?? params.exceptionDetails.text);
  if (method === "Runtime.consoleAPICalled" && ["error", "warning", "assert"].includes(params.type)) problems.push(joined(params.args));
  if (method === "Log.entryAdded" && params.entry.level === "error") problems.push(params.entry.text);
  if (method === "Target.attachedToTarget" && sessionId === session) {
    for (const domain of ["Network", "Runtime"]) send(`${domain}.enable`, {}, params.sessionId).catch(() => {});
  }
}

let rest = "";
browser.stdio[4].setEncoding("utf8").on("data", (text) => {
  const messages = (rest + text).split("\0");
  rest = messages.pop();
  messages.forEach((message) => receive(JSON.parse(message)));
});

// The value of an expression in the page, which may be a promise.
async function evaluate(expression) {
  const { result, exceptionDetails } = await send("Runtime.evaluate", { expression, awaitPromise: true, returnByValue: true });
  if (exceptionDetails) throw new Error(`${expression}: ${exceptionDetails.exception?.description ?? exceptionDetails.text}`);
  return result.value;
}

async function open(hash = "") {
  await send("Page.navigate", { url: "about:blank" });
  await send("Page.navigate", { url: `${page}${hash}` });
  for (let tries = 0; !(await evaluate("Boolean(globalThis.playground)").catch(() => false)); tries += 1) {
    assert(tries < 600, "the page does not start");
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  await evaluate("playground.ready");
  assert.equal(await evaluate("document.getElementById('problem').hidden"), true, await evaluate("document.getElementById('problem').textContent"));
}

const text = (id) => evaluate(`document.getElementById(${JSON.stringify(id)}).textContent`);
const click = (id) => evaluate(`document.getElementById(${JSON.stringify(id)}).click()`);
const parameters = () => evaluate("playground.call('weights').then((list) => [...list])");
async function key(name) {
  await send("Input.dispatchKeyEvent", { type: "keyDown", key: name, code: name });
  await send("Input.dispatchKeyEvent", { type: "keyUp", key: name, code: name });
}
async function until(expression, seconds) {
  for (let tries = 0; tries < 20 * seconds; tries += 1) {
    if (await evaluate(expression)) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  assert.fail(`after ${seconds} s, not yet: ${expression}`);
}
const near = (found, expected, what) => assert(Math.abs(found - expected) <= 1e-12 * Math.max(1, Math.abs(expected)), `${what}: ${found}, native ${expected}`);

async function size(width, height, dark = false) {
  await send("Emulation.setDeviceMetricsOverride", { width, height, deviceScaleFactor: 1, mobile: false });
  await send("Emulation.setEmulatedMedia", { features: [{ name: "prefers-color-scheme", value: dark ? "dark" : "light" }] });
}

async function picture(name) {
  if (!pictures) return;
  mkdirSync(pictures, { recursive: true });
  await new Promise((resolve) => setTimeout(resolve, 150));
  const { data } = await send("Page.captureScreenshot", { format: "png", captureBeyondViewport: true });
  writeFileSync(join(pictures, `${name}.png`), Buffer.from(data, "base64"));
}

async function check() {
  // The numbers are those of a native build.
  await open();
  const settings = await evaluate("playground.asNumbers(playground.START)");
  const native = JSON.parse(execFileSync(reference, ["100", ...settings.map(String)], { encoding: "utf8" }));
  await evaluate("playground.call('train', 100)");
  const found = await parameters();
  assert.equal(found.length, native.parameters.length);
  found.forEach((parameter, i) => near(parameter, native.parameters[i], `parameter ${i} after 100 steps`));

  // An address brings back the same bits.
  await open("#steps=100");
  assert.deepEqual(await parameters(), found);
  assert.equal(await text("f-steps"), "100");

  // Trains the moons, by the button.
  await open("#seed=3");
  await click("play");
  await until("playground.state.frame.measured[5] >= 0.95 && playground.state.steps > 200", 60);
  await click("play");
  assert.equal(await text("play"), "Play");
  await evaluate("document.getElementById('numbers').open = true");
  await until("document.querySelectorAll('#parameters table').length === 6", 5);
  await picture("train");

  // A step apart: every sum on the page gives its entry, and three numbers are those of the native build.
  await open("#view=apart");
  const sums = () => evaluate(`playground.stops().map(({ tag, result: { m }, explain }) => {
    const entries = [];
    for (let r = 0; r < m.rows; r += 1) for (let c = 0; c < m.columns; c += 1) entries.push([m.at(r, c), explain(r, c).value]);
    return { tag, entries };
  })`);
  const compare = (stops) => stops.forEach(({ tag, entries }) => entries.forEach(([entry, sum]) => near(sum, entry, tag)));
  const stops = await sums();
  compare(stops);
  const entry = (tag, which) => stops.filter((stop) => stop.tag === tag).at(which).entries[0][0];
  near(entry("C3", 0), native.step[0], "L");
  near(entry("B4", -1), native.step[1], "dW of the first layer");
  near(entry("B5", 0), native.step[2], "db of the last layer");
  near(entry("B2", -1), native.step[3], "dA of the first layer");
  const jacobian = await evaluate(`(() => {
    const { jacobian, result: { m } } = playground.stops().find(({ tag }) => tag === "B1");
    const { da, of } = jacobian(1);
    return [0, 1].map((j) => [m.at(1, j), da.at(0, 0) * of.at(0, j) + da.at(0, 1) * of.at(1, j)]);
  })()`);
  jacobian.forEach(([entry, product]) => near(product, entry, "B1 by the Jacobian"));
  assert.deepEqual([...new Set(stops.map(({ tag }) => tag))], ["F1", "F2", "C3", "B1", "B4", "B5", "B2", "B3", "U1"]);
  assert.match(await text("stop-title"), /F1/);
  await key("ArrowRight");
  assert.match(await text("stop-title"), /F2/);
  for (let i = 0; i < 7; i += 1) await key("ArrowRight");
  assert.match(await text("stop-title"), /B4/);
  assert.match(await text("line"), /transpose_times.*\(B4\)/);
  await evaluate("document.querySelector('#arrays .result td[tabindex=\"0\"]').focus()");
  await key("ArrowDown");
  assert.match(await text("sum"), /^Row 2, column 1: dw₂₁ = Σᵣ aᵣ₂ dzᵣ₁ = /);
  await picture("apart");

  // A question hides the answer until it is given.
  await click("ask");
  assert.equal(await text("sum"), "");
  assert.equal(await evaluate("document.querySelectorAll('#arrays .used').length"), 0);
  await evaluate("[...document.querySelectorAll('#question button')].find((b) => b.textContent === 'the examples').click()");
  await evaluate("dispatchEvent(new Event('resize'))");
  assert.match(await text("question"), /Right: /);
  assert.notEqual(await text("sum"), "");

  // The same for other data, losses, optimisers and activations, in the middle of a training.
  for (const [name, hash] of [
    ["cosine", "data=cosine&net=8,8&optimizer=adam&rate=0.01&steps=1500&noise=0.05"],
    ["spirals", "data=spirals&net=25,50,25&optimizer=nesterov&rate=0.05&steps=1500&activation=relu&noise=0.1"],
    ["flower", "data=flower&loss=squared+error&activation=gelu&decay=0.001&steps=900&samples=400&net=12,8"],
    ["xor", "data=xor&net=&steps=60&momentum=0&dropout=0.2"],
    ["circles", "data=circles&activation=silu&optimizer=rmsprop&rate=0.01&steps=300&dropout=0.1"],
    ["blobs", "data=blobs&activation=softplus&start=large&steps=40&net=3"],
  ]) {
    await open(`#${hash}`);
    await picture(name);
    await evaluate("playground.show('apart')");
    compare(await sums());
    if (name === "spirals") await picture("apart-large");
  }

  // What is planted in the gradients, the check finds; and what is not there, it does not.
  const aside = await parameters();
  await evaluate("playground.show('break')");
  for (let mistake = 0; mistake < 8; mistake += 1) {
    await evaluate(`playground.breakIt(${mistake})`);
    const [right, wrong] = await evaluate("playground.broken().map(({ check }) => check[0])");
    assert(right < 1e-5, `mistake ${mistake}: the check fails the right gradient, ${right}`);
    assert(mistake < 5 ? wrong > 1e-2 : wrong < 1e-5, `mistake ${mistake}: ${wrong}`);
    assert.match(await text("checks"), mistake < 5 ? /fails/ : /passes.*passes/s);
    if (mistake === 1) await picture("break");
  }
  assert.deepEqual(await parameters(), aside, "the network of the other views");

  // One's own points, from the address and by a click.
  await open("#data=own&own=0,0,1;1,1,1;0,1,2;1,0,2;0.1,0.1,1;0.9,0.1,2;0.1,0.9,2;0.9,0.9,1");
  const counted = "playground.state.data.rows.length";
  assert.equal(await evaluate(counted), 8);
  const mouse = async (id, type, x, y) => {
    const [left, top, width, height] = await evaluate(`(({ left, top, width, height }) => [left, top, width, height])(document.getElementById("${id}").getBoundingClientRect())`);
    await send("Input.dispatchMouseEvent", { type, x: left + x * width, y: top + y * height, button: "left", buttons: 1, clickCount: 1 });
  };
  await mouse("boundary", "mousePressed", 0.15, 0.2);
  await mouse("boundary", "mouseMoved", 0.25, 0.2);
  await mouse("boundary", "mouseReleased", 0.25, 0.2);
  await until(`${counted} === 10`, 10);
  await until("/own=0,0,1;.*;-?0\\.\\d\\d,\\d\\.\\d\\d,1$/.test(decodeURIComponent(location.hash))", 10);

  // A weight under the pointer: 50 pixels up are +1.
  const first = "playground.state.weights[0].w[0]";
  const [before, x, y, height] = await evaluate(`(() => {
    const { x0, y0, x1, y1 } = lines[0];
    const { width, height } = document.getElementById("network").getBoundingClientRect();
    return [${first}, (x0 + x1) / 2 / width, (y0 + y1) / 2 / height, height];
  })()`);
  await mouse("network", "mousePressed", x, y);
  await mouse("network", "mouseMoved", x, y - 50 / height);
  await mouse("network", "mouseReleased", x, y - 50 / height);
  await until(`Math.abs(${first} - ${before + 1}) < 0.01`, 5);
  await picture("weight");

  // Settings that hide, and stay hidden in the address.
  await click("hide");
  assert.equal(await evaluate("getComputedStyle(document.getElementById('settings')).display"), "none");
  assert.match(await evaluate("location.hash"), /hide=settings/);
  await picture("plain");
  await click("hide");

  // What the crate refuses, the page says; and what it takes again is good.
  const type = (id, value) => evaluate(`(() => {
    const input = document.getElementById("${id}");
    input.value = "${value}";
    input.dispatchEvent(new Event("change"));
  })()`);
  await type("s-rate", "-1");
  await until("/learning rate/.test(document.getElementById('problem').textContent)", 10);
  await type("s-rate", "0.1");
  await until("document.getElementById('problem').hidden", 10);

  // A digit, by its button and by the pointer.
  await evaluate("playground.show('digit')");
  for (const digit of [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]) {
    await evaluate(`document.querySelectorAll("#strokes button")[${digit}].click()`);
    await until(`document.getElementById("verdict").textContent.startsWith("A ${digit}, ")`, 5).catch(async () => assert.fail(`${digit}: ${await text("verdict")}`));
    if (digit === 3) await picture("digit");
  }
  await click("wipe");
  await until("document.getElementById('verdict').textContent.startsWith('Nothing')", 5);
  await mouse("pad", "mousePressed", 0.25, 0.15);
  for (const [x, y] of [[0.5, 0.14], [0.75, 0.14], [0.6, 0.5], [0.45, 0.88]]) await mouse("pad", "mouseMoved", x, y);
  await mouse("pad", "mouseReleased", 0.45, 0.88);
  await until("document.getElementById('verdict').textContent.startsWith('A 7, ')", 5);

  // Nothing is wider than a small screen, in either theme.
  for (const [width, dark] of [[400, false], [400, true], [1280, true]]) {
    await size(width, 900, dark);
    for (const view of ["train", "apart", "break", "digit"]) {
      await evaluate(`playground.show("${view}")`);
      assert(await evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth"), `${view} is wider than ${width}`);
      if (view === "apart") await evaluate("playground.go(playground.stops().findIndex(({ tag }) => tag === 'B1'))");
      await picture(`${view}-${width}${dark ? "-dark" : ""}`);
    }
  }

  assert.deepEqual(problems, []);
  const outside = requests.filter((url) => !url.startsWith(page) && !/^(about|blob|data):/.test(url));
  assert.deepEqual(outside, [], "requests");
  assert(requests.some((url) => url.startsWith(page)), "requests are counted");
}

// The page as it trains the moons on 2-25-50-25-2, and the same network natively and in TensorFlow Playground.
async function speed() {
  const NETWORK = "net=25,50,25&rate=0.03&momentum=0";
  const { product } = await send("Browser.getVersion", {}, undefined);
  console.log(product);
  await open(`#${NETWORK}&batch=10`);
  await click("play");
  await until("playground.state.steps > 2000", 30);
  const drawn = await evaluate(`new Promise((resolve) => {
    const long = [];
    new PerformanceObserver((list) => long.push(...list.getEntries().map(({ duration }) => duration))).observe({ entryTypes: ["longtask"] });
    const { state } = playground;
    const [begin, steps] = [performance.now(), state.steps];
    let [frames, fresh, last] = [0, 0, null];
    requestAnimationFrame(function count() {
      frames += 1;
      if (state.frame !== last) fresh += 1;
      last = state.frame;
      const seconds = (performance.now() - begin) / 1000;
      if (seconds < 10) return requestAnimationFrame(count);
      resolve({ frames: frames / seconds, fresh: fresh / seconds, samples: (10 * (state.steps - steps)) / seconds, long });
    });
  })`);
  await click("play");
  console.log(`while it trains, a second: ${drawn.frames.toFixed(1)} frames, ${drawn.fresh.toFixed(1)} new pictures, ${Math.round(drawn.samples)} samples`);
  console.log(`tasks of the main thread above 50 ms: ${drawn.long.length} ${drawn.long.map(Math.round)}`);

  console.log("samples per second     page   native  with SSE2  TensorFlow Playground");
  for (const activation of ["tanh", "relu"]) {
    for (const batch of [1, 10, 30]) {
      await open(`#${NETWORK}&batch=${batch}&activation=${activation}`);
      const page = await evaluate(`(async () => {
        let best = 0;
        for (let round = 0; round < 5; round += 1) {
          const begin = performance.now();
          let steps = 0;
          while (performance.now() - begin < 300) steps += (await playground.call("train", ${Math.ceil(5000 / batch)})).length;
          best = Math.max(best, (1000 * ${batch} * steps) / (performance.now() - begin));
        }
        return best;
      })()`);
      const settings = (await evaluate(`playground.asNumbers({ ...playground.START, net: [25, 50, 25], rate: 0.03, momentum: 0, batch: ${batch}, activation: "${activation}" })`)).map(String);
      const native = (vectors) => Number(execFileSync(reference, ["1.5", ...settings], { encoding: "utf8", env: { ...process.env, CHAINRULE_VECTORS: vectors } }));
      // Two outputs, of which its backProp gives a target to the first alone; as oneStep of its playground.ts calls it.
      const other = !pictures ? NaN : await evaluate(`${readFileSync(pictures, "utf8")}; (() => {
        const f = nn.Activations.${activation.toUpperCase()};
        const network = nn.buildNetwork([2, 25, 50, 25, 2], f, nn.Activations.TANH, null, ["x", "y"]);
        const points = playground.state.data.rows.filter(({ test }) => !test).map(({ x, label }) => [[...x], 2 * label - 1]);
        let best = 0;
        for (let round = 0; round < 5; round += 1) {
          const begin = performance.now();
          let done = 0;
          while (performance.now() - begin < 300) {
            points.forEach(([x, label], i) => {
              nn.forwardProp(network, x);
              nn.backProp(network, label, nn.Errors.SQUARE);
              if ((i + 1) % ${batch} === 0) nn.updateWeights(network, 0.03, 0);
            });
            done += points.length;
          }
          best = Math.max(best, (1000 * done) / (performance.now() - begin));
        }
        return best;
      })()`);
      const rates = [page, native(""), native("sse2"), other].map((rate) => Math.round(rate).toString().padStart(8));
      console.log(`${`${activation}, batch ${batch}`.padEnd(18)} ${rates.join(" ")}`);
    }
  }
}

let failure;
const late = setTimeout(() => {
  console.error("the page takes too long");
  browser.kill();
  process.exit(1);
}, 240_000);
try {
  const { targetId } = await send("Target.createTarget", { url: "about:blank" });
  ({ sessionId: session } = await send("Target.attachToTarget", { targetId, flatten: true }));
  for (const domain of ["Page", "Runtime", "Network", "Log"]) await send(`${domain}.enable`);
  await send("Target.setAutoAttach", { autoAttach: true, waitForDebuggerOnStart: false, flatten: true });
  await size(1280, 900);
  await (measuring ? speed() : check());
  if (!measuring) console.log("docs/playground.html: trains, walks, breaks and reads digits as it should");
} catch (error) {
  failure = error;
  console.error(error.stack);
  if (problems.length > 0) console.error(problems);
}
clearTimeout(late);
const closed = new Promise((resolve) => browser.on("exit", resolve));
browser.kill();
await closed;
rmSync(profile, { recursive: true, force: true, maxRetries: 5 });
process.exit(failure ? 1 : 0);
