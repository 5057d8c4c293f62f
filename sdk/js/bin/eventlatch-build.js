#!/usr/bin/env node
// Makes a matcher's component: `npx eventlatch-build [FOLDER] [-o FILE.wasm]`. The work is esbuild's and ComponentizeJS's.

import { existsSync, statSync } from "node:fs";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { parseArgs } from "node:util";

import { BuildError, bundle, MISSING_TOOL, SDK, tool } from "./bundle.js";
import { check } from "./check.js";

const SOURCES = ["matcher.ts", "matcher.js", "matcher.mjs"];
const USAGE = "usage: eventlatch-build [FOLDER] [-o FILE.wasm]   (FOLDER holds matcher.js or matcher.ts; default: here)";

async function build(folder, output) {
  const source = SOURCES.map((name) => join(folder, name)).find(existsSync);
  if (!source) throw new BuildError(`${join(folder, SOURCES[1])} is missing: it must export a matcher as its default`);
  const work = await mkdtemp(join(tmpdir(), "eventlatch-"));
  try {
    const { name, mistake } = await check(source, work);
    if (name === undefined && output === undefined) throw mistake;
    const written = output ?? join(folder, `${name}.wasm`);
    const [unbundled, bundled] = [join(work, "entry.js"), join(work, "bundle.js")];
    await writeFile(unbundled, entry(source));
    await bundle(unbundled, bundled);
    const { componentize } = await tool("@bytecodealliance/componentize-js");
    const { component } = await componentize({
      sourcePath: bundled,
      witPath: join(SDK, "wit"),
      worldName: "matcher",
      disableFeatures: ["random", "clocks", "http", "fetch-event"],
    });
    await mkdir(dirname(resolve(written)), { recursive: true });
    await writeFile(written, component);
    return written;
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

function entry(source) {
  const [matcher, guest] = [resolve(source), join(SDK, "src", "guest.js")].map((path) => JSON.stringify(path));
  return `import matcher from ${matcher};\nimport { guestOf } from ${guest};\nexport const guest = guestOf(matcher);\n`;
}

try {
  const { values, positionals } = parseArgs({
    options: { output: { type: "string", short: "o" }, help: { type: "boolean", short: "h" } },
    allowPositionals: true,
  });
  if (values.help) {
    console.log(USAGE);
  } else {
    const written = await build(positionals[0] ?? ".", values.output);
    console.log(`wrote ${written} (${(statSync(written).size / 1e6).toFixed(1)} MB)`);
  }
} catch (error) {
  console.error(error.message);
  process.exitCode = error.code === MISSING_TOOL ? MISSING_TOOL : 1;
}
