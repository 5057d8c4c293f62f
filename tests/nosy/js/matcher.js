// A guest that tries what a message tells it to. Its key is what came of it.

import { key, log, matcher, Reject, shape, text } from "eventlatch-sdk";

let calls = 0;

const ACTS = {
  read() {
    const load = globalThis.require ?? globalThis.process?.getBuiltinModule;
    try {
      return load ? String(load("node:fs").readFileSync("/etc/passwd")) : "no files";
    } catch (error) {
      return `no files: ${error.name}`;
    }
  },
  connect: () => String(fetch("http://127.0.0.1:9092")),
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
const isRefusal = ({ name }) => ["RangeError", "InternalError", "ReferenceError"].includes(name);

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
