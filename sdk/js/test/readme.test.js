// The README's tutorial does what it says.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";

const README = readFileSync(new URL("../README.md", import.meta.url), "utf8");

test("the tutorial passes its own tests", () => {
  const files = [...README.matchAll(/```js\n\/\/ ([\w.-]+\.js)\n([^]*?)```/g)];
  const names = files.map(([, name]) => name);
  assert.deepEqual(names, ["matcher.js", "days.test.js", "large-order.js", "large-order.test.js"]);
  const folder = mkdtempSync(join(tmpdir(), "eventlatch-"));
  try {
    writeFileSync(join(folder, "package.json"), '{"type": "module"}');
    for (const [, name, text] of files) writeFileSync(join(folder, name), text);
    const resolve = new URL("./resolve.js", import.meta.url).href;
    const options = ["--import", resolve, "--test", "--test-reporter", "tap"];
    const env = { ...process.env, NODE_TEST_CONTEXT: undefined };
    const printed = execFileSync(process.execPath, options, { cwd: folder, encoding: "utf8", env });
    assert.match(printed, /# pass 2\n# fail 0/);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
