"use strict";
// Holds the network. Every message is [number, operation, arguments…], every answer [number, result, error].
let wasm;
// How long the pictures took when they were drawn last.
let pictures = 0;

function put(list) {
  const at = wasm.reserve(list.length);
  new Float64Array(wasm.memory.buffer, at, list.length).set(list);
}

function numbers(length) {
  if (length < 0) {
    const text = new Uint8Array(wasm.memory.buffer, wasm.text(), wasm.text_len());
    throw new Error(new TextDecoder().decode(text));
  }
  return new Float64Array(wasm.memory.buffer, wasm.output(), length).slice();
}

const operations = {
  async load(bytes) {
    wasm = (await WebAssembly.instantiate(bytes, {})).instance.exports;
  },
  make(list) {
    put(list);
    numbers(wasm.make());
    return numbers(wasm.data());
  },
  train: (steps) => numbers(wasm.train(steps)),
  measure: () => numbers(wasm.measure()),
  weights: () => numbers(wasm.weights()),
  set: (layer, i, j, value) => numbers(wasm.set_parameter(layer, i, j, value)),
  plant: (mistake) => numbers(wasm.plant(mistake)),
  check: () => numbers(wasm.check()),
  plane: (side, units) => numbers(wasm.plane(side, units)),
  walk: (rows) => numbers(wasm.walk(rows)),
  digit(picture) {
    put(picture);
    return numbers(wasm.digit());
  },

  // So many steps, or as many as fit into so many milliseconds together with what follows: everything that the page draws,
  // with pictures of the first `units` of each layer.
  frame(steps, milliseconds, side, units) {
    let begin = performance.now();
    const end = begin + Math.max(0.4 * milliseconds, milliseconds - pictures);
    let problem = "";
    let done = 0;
    const costs = [];
    try {
      if (steps > 0) {
        numbers(wasm.train(steps));
        done = steps;
      } else {
        while (performance.now() < end) {
          numbers(wasm.train(5));
          done += 5;
          // One cost on the way: the curve is finer than the pictures.
          if (costs.length === 0 && performance.now() - begin > (end - begin) / 2) {
            const [count, , cost, , test] = numbers(wasm.measure());
            costs.push([count, cost, test]);
          }
        }
      }
    } catch (error) {
      problem = error.message;
    }
    begin = performance.now();
    let measured = new Float64Array(6).fill(NaN);
    try {
      measured = numbers(wasm.measure());
    } catch (error) {
      problem = problem || error.message;
    }
    const frame = {
      problem, done, costs, measured,
      weights: numbers(wasm.weights()),
      plane: numbers(wasm.plane(side, 0)),
      pictures: numbers(wasm.plane(24, units)),
    };
    pictures = performance.now() - begin;
    return frame;
  },

  // Some hundred steps with a mistake or without: costs, gradient check after 20 steps, boundary at the end. The network of
  // the other views waits meanwhile.
  run(...words) {
    wasm.swap();
    try {
      return operations.runAside(...words);
    } finally {
      wasm.swap();
    }
  },
  runAside(list, mistake, steps, side) {
    const data = operations.make(list);
    numbers(wasm.plant(mistake));
    const costs = [];
    let check = null;
    let problem = "";
    let measured = null;
    try {
      for (let step = 0; step <= steps; step += 5) {
        measured = numbers(wasm.measure());
        costs.push([step, measured[2], measured[4]]);
        if (step === 20) check = numbers(wasm.check());
        if (step < steps) numbers(wasm.train(5));
      }
    } catch (error) {
      problem = error.message;
    }
    return { data, costs, check, problem, measured, plane: numbers(wasm.plane(side, 0)) };
  },
};

onmessage = async ({ data: [number, operation, ...rest] }) => {
  try {
    const result = await operations[operation](...rest);
    const handed = operation === "frame" ? [result.weights.buffer, result.plane.buffer, result.pictures.buffer] : [];
    postMessage([number, result, null], handed);
  } catch (error) {
    postMessage([number, null, error.message]);
  }
};
