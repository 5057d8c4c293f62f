#!/usr/bin/env node
// Makes a matcher's component: `npx eventlatch-build [FOLDER] [-o FILE.wasm]`. The work is esbuild's and ComponentizeJS's.

import { existsSync, statSync } from "node:fs";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { parseArgs } from "node:util";

const SDK = dirname(dirname(fileURLToPath(import.meta.url)));
const SOURCES = ["matcher.ts", "matcher.js", "matcher.mjs"];
const MISSING_TOOL = 3;
const USAGE = "usage: eventlatch-build [FOLDER] [-o FILE.wasm]   (FOLDER holds matcher.js or matcher.ts; default: here)";

// One copy of the SDK, whichever way the matcher's folder refers to it.
const BUNDLE = {
  bundle: true,
  format: "esm",
  alias: { "eventlatch-sdk": join(SDK, "src", "index.js") },
  logLevel: "silent",
};

/** Why there is no component. */
class BuildError extends Error {
  constructor(message, code = 1) {
    super(message);
    this.code = code;
  }
}

async function tool(name) {
  try {
    return await import(name);
  } catch (error) {
    if (error.code !== "ERR_MODULE_NOT_FOUND") throw error;
    throw new BuildError(`${name} is missing: npm install`, MISSING_TOOL);
  }
}

async function build(folder, output) {
  const [{ build: bundle }, { componentize }] = [await tool("esbuild"), await tool("@bytecodealliance/componentize-js")];
  const source = SOURCES.map((name) => join(folder, name)).find(existsSync);
  if (!source) throw new BuildError(`${join(folder, SOURCES[1])} is missing: it must export a matcher as its default`);
  const work = await mkdtemp(join(tmpdir(), "eventlatch-"));
  try {
    const written = output ?? join(folder, `${await nameOf(source, work, bundle)}.wasm`);
    await writeFile(join(work, "entry.js"), entry(source));
    const bundled = join(work, "bundle.js");
    await bundle({
      ...BUNDLE,
      entryPoints: [join(work, "entry.js")],
      outfile: bundled,
      platform: "browser",
      target: "es2023",
      external: ["eventlatch:*"],
    });
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

/** The matcher's name, from its module: bundled, because it may be TypeScript. */
async function nameOf(source, work, bundle) {
  const outfile = join(work, "matcher.mjs");
  await bundle({ ...BUNDLE, entryPoints: [source], outfile, platform: "neutral", mainFields: ["browser", "main"] });
  const { default: matcher } = await import(pathToFileURL(outfile));
  if (typeof matcher?.name !== "string") throw new BuildError(`${source} does not export a matcher as its default`);
  return matcher.name;
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
