// A mistake is told before a component is made, and what a component could do is let through.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

import { check } from "../bin/check.js";

const BUILD = fileURLToPath(new URL("../bin/eventlatch-build.js", import.meta.url));

const ORDERS = `import { fieldMatcher, Fields, text } from "eventlatch-sdk";

export default fieldMatcher({
  name: "orders",
  summary: "an order",
  fields: () =>
    Fields.on("orders")
      .key(text("id"))
      .time("at")
      .sameBusinessDay(),
});
`;

const typed = (members) => `import { key, matcher, Problem, shape, text } from "eventlatch-sdk";

export default matcher({
  name: "orders",
  summary: "an order",
  wanted: shape(text("id")),
  message: shape(text("id")),
  prepare: ({ id }) => key(id),
  extract: ({ id }) => key(id),
${members}
});
`;

async function inFolder(files, act) {
  const folder = mkdtempSync(join(tmpdir(), "eventlatch-"));
  try {
    mkdirSync(join(folder, "work"));
    for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
    return await act(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** What the command says, run in the matcher's folder. */
function told(files) {
  return inFolder(files, (cwd) => {
    const { status, stdout, stderr } = spawnSync(process.execPath, [BUILD], { cwd, encoding: "utf8" });
    assert.deepEqual([status, stdout], [1, ""]);
    return stderr.trimEnd();
  });
}

/** What is found to be wrong with a matcher that may be none: without making a component. */
const checked = (source) =>
  inFolder({ "matcher.js": source }, async (folder) => {
    const { name, mistake } = await check(join(folder, "matcher.js"), join(folder, "work"));
    return [name, mistake?.message.replace(/^.*(?=matcher\.js)/, "")];
  });

test("a mistake has the line of the author's file", async () => {
  const cases = [
    [ORDERS.replace('text("id")', 'txt("id")'), "matcher.js:8: ReferenceError: txt is not defined"],
    [ORDERS.replace("sameBusinessDay", "sameDay"), /^matcher\.js:10: TypeError: .*sameDay is not a function$/],
    [ORDERS.replace('text("id"))', 'text("id")'), /^matcher\.js:\d+: \w.*$/],
    [ORDERS.replace("{ fieldMatcher", "{ fieldMatchers"), /^matcher\.js:1: No matching export .*$/],
    [ORDERS.replace('text("id")', '"id"'), /^matcher\.js:8: TypeError: a field is made with .*`text\("id"\)`$/],
    [ORDERS.replace('text("id")', "text(1)"), "matcher.js:8: TypeError: a field's name must be text, not a number"],
    [ORDERS.replace('"at"', 'text("at")'), "matcher.js:9: TypeError: a field's name must be text, not an object"],
    [`${ORDERS}Buffer.from("");\n`, "matcher.js:12: ReferenceError: Buffer is not defined"],
    [`${ORDERS}throw "a text";\n`, "matcher.js: a text"],
    [`Promise.reject("no one waits");\n${ORDERS}missing;\n`, "matcher.js:13: ReferenceError: missing is not defined"],
    [typed('config: shape("id"),'), /^matcher\.js:10: TypeError: a field is made with .*`text\("id"\)`$/],
    [typed("configure: () => missing,"), "matcher.js:10: ReferenceError: missing is not defined"],
    [typed('configure() { throw Problem.of("id", "is wrong"); },'), "matcher.js:10: id: is wrong"],
    [ORDERS.replace('.time("at")', ""), "matcher.js: rule: `sameBusinessDay` needs a time field"],
    [ORDERS.replace("summary", "sumary"), /^matcher\.js: TypeError: a matcher has a `name` and a `summary`.*$/],
    [ORDERS.replace('"orders",', '"Orders",'), /^matcher\.js: `Orders` is no name for a matcher; .*$/],
    [ORDERS.replace("export default", "export const it ="), "matcher.js does not export a matcher as its default"],
  ];
  for (const [source, said] of cases) {
    const stderr = await told({ "matcher.js": source });
    if (typeof said === "string") assert.equal(stderr, said);
    else assert.match(stderr, said);
  }
});

test("a mistake is found in TypeScript and in a file beside the matcher's", async () => {
  const source = ORDERS.replace("export default", "interface Order {\n  id: string;\n}\n\nexport default");
  const said = await told({ "matcher.ts": source.replace("text(", "txt(") });
  assert.equal(said, "matcher.ts:12: ReferenceError: txt is not defined");
  const beside = { "matcher.js": `import { ID } from "./id.js";\n${ORDERS}`, "id.js": "\nexport const ID = missing;\n" };
  assert.equal(await told(beside), "id.js:2: ReferenceError: missing is not defined");
});

test("what a component could do is no mistake", async () => {
  assert.deepEqual(await checked(ORDERS), ["orders", undefined]);
  const without = 'if (typeof process !== "undefined" || self !== globalThis) throw new Error("not as in a component");\n';
  assert.deepEqual(await checked(without + ORDERS), ["orders", undefined]);
  const needed = 'config: shape(text("region")),\nconfigure() { throw new Error("not with this one"); },';
  assert.deepEqual(await checked(typed(needed)), ["orders", undefined]);
});

test("what only this Node.js may lack is no mistake", async () => {
  const late = ORDERS.replace("text(", "[].union() ?? text(");
  assert.deepEqual(await checked(late), ["orders", "matcher.js:8: TypeError: [].union is not a function"]);
  const at = "matcher.js:12: TypeError: [].toHex is not a function";
  assert.deepEqual(await checked(`${ORDERS}[].toHex();\n`), [undefined, at]);
  const host = 'import { log } from "eventlatch:matcher/host@1.0.0";\nlog("info", "a line");\n';
  assert.match((await checked(host + ORDERS))[1], /eventlatch:/);
});
