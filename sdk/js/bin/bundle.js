// One module of a matcher's: its own files, the packages that it imports, and one copy of the SDK. The work is esbuild's.

import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

export const SDK = dirname(dirname(fileURLToPath(import.meta.url)));
export const MISSING_TOOL = 3;

const OPTIONS = {
  bundle: true,
  format: "esm",
  platform: "browser",
  target: "es2023",
  external: ["eventlatch:*"],
  // Whichever way the matcher's folder refers to it.
  alias: { "eventlatch-sdk": join(SDK, "src", "index.js") },
  logLevel: "silent",
};

/** Why there is no component. */
export class BuildError extends Error {
  constructor(message, code = 1) {
    super(message);
    this.code = code;
  }
}

export async function tool(name) {
  try {
    return await import(name);
  } catch (error) {
    if (error.code !== "ERR_MODULE_NOT_FOUND") throw error;
    throw new BuildError(`${name} is missing: npm install`, MISSING_TOOL);
  }
}

export async function bundle(entry, outfile, more = {}) {
  const { build } = await tool("esbuild");
  await build({ ...OPTIONS, ...more, entryPoints: [entry], outfile }).catch(refuse);
}

/** What esbuild does not take, a line each. */
function refuse({ errors, message }) {
  const lines = errors?.map(({ location, text }) => (location ? `${location.file}:${location.line}: ${text}` : text));
  throw new BuildError(lines?.join("\n") ?? message);
}
