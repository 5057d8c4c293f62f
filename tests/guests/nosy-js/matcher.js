// A guest that tries what a message tells it to. Its key is what came of it.

import { key, log, matcher, Reject, shape, text } from "eventlatch-sdk";

let calls = 0;

// Written so that the bundler leaves the imports alone.
const load = (name) => new Function("name", "return import(name)")(name);

const ACTS = {
  sleep() {
    const until = Date.now() + 3_600_000;
    while (Date.now() < until);
  },
  read: () => typeof require === "undefined" && typeof process === "undefined" ? "no files" : "files",
  connect: () => String(fetch("http://127.0.0.1:9092")),
  run: () => String(load("node:child_process")),
  loop() {
    for (;;);
  },
  hoard() {
    const held = [];
    for (;;) held.push(new Uint8Array(1 << 20).fill(1));
  },
  recurse() {
    const deeper = (depth) => 1 + deeper(depth + 1);
    return String(deeper(0));
  },
  fail() {
    throw new TypeError("what the matcher's author forgot");
  },
  reject() {
    throw new Reject("not today");
  },
  count: () => String((calls += 1)),
  say() {
    console.log("on standard output");
    console.error("on standard error");
    log.info("in the log");
    return "said";
  },
  clock: () => String(Date.now()),
  random: () => String(Math.random()),
};

// What the engine says no to, as opposed to mistakes of this guest.
const isRefusal = (error) => error instanceof RangeError || error.name === "InternalError" || error.name === "ReferenceError";

export default matcher({
  name: "nosy",
  summary: "tries what a message tells it to",
  topics: ["nosy"],
  wanted: shape(text("act")),
  message: shape(text("act")),

  prepare: ({ act }) => key(act),

  extract({ act }) {
    try {
      return key(String(ACTS[act]()));
    } catch (error) {
      if (!isRefusal(error)) throw error;
      return key(String(error));
    }
  },
});
