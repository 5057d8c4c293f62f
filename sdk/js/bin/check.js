// Loads a matcher in Node.js, before a component is made of it: a mistake is told at once, with its line.
//
// Only what no component could do either is a mistake. A component has another engine, and a configuration that is not known
// here.

import { realpathSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { SourceMap } from "node:module";
import { dirname, join, relative, resolve, sep } from "node:path";
import process from "node:process";
import { pathToFileURL } from "node:url";

import { BuildError, bundle, SDK } from "./bundle.js";

// Not in a component: who looks for one of these finds nothing there, and may do well without.
const ABSENT = ["Buffer", "Intl", "clearImmediate", "global", "process", "setImmediate"];

// In a component, and not in every Node.js: where one of these is missing here, the component decides.
const NEWER =
  "AsyncDisposableStack DisposableStack Float16Array Iterator SuppressedError addEventListener difference " +
  "dispatchEvent drop escape every f16round filter find flatMap forEach fromAsync fromBase64 fromHex " +
  "getFloat16 getOrInsert getOrInsertComputed groupBy intersection isDisjointFrom isError isRawJSON isSubsetOf " +
  "isSupersetOf location map rawJSON reduce removeEventListener setFloat16 setFromBase64 setFromHex some " +
  "sumPrecise symmetricDifference take toArray toBase64 toHex transfer transferToFixedLength try union " +
  "withResolvers";

const LACKS = [
  new RegExp(`\\b(${NEWER.replaceAll(" ", "|")}) is not (a function|a constructor|defined)`),
  /Invalid regular expression/,
  /protocol 'eventlatch:'/,
];

/**
 * Asks a matcher for what a service asks first, and says its name. Throws a mistake; one that may be none comes beside the
 * name, which is unknown where the module could not be loaded. What is made on the way goes into `work`.
 */
export async function check(source, work) {
  const [entry, outfile] = [join(work, "check.js"), join(work, "check.mjs")];
  await writeFile(entry, entryOf(source));
  await bundle(entry, outfile, { sourcemap: "external" });
  let name;
  try {
    await asInComponent(async () => {
      const { matcher, ask } = await import(pathToFileURL(outfile));
      name = nameOf(matcher, source);
      ask();
    });
  } catch (error) {
    if (error instanceof BuildError) throw error;
    const mistake = new BuildError(`${await placeOf(error, source, outfile)}: ${saidBy(error)}`);
    if (!LACKS.some((lack) => lack.test(error?.message))) throw mistake;
    return { name, mistake };
  }
  return { name };
}

function entryOf(source) {
  const from = (...path) => `from ${JSON.stringify(join(...path))};\n`;
  return (
    // All of it, because one without a default is no matcher, and no fault of this file.
    `import * as own ${from(resolve(source))}` +
    `import { configure, describe } ${from(SDK, "src", "adapter.js")}` +
    `import { dumps } ${from(SDK, "src", "strict-json.js")}` +
    `export const matcher = own.default;
    export function ask() {
      const { wantedSchema, messageSchema, configSchema } = describe(matcher);
      [wantedSchema, messageSchema, configSchema].forEach(dumps);
      // With settings, what is wrong without them may be right with them.
      if (!(matcher.config?.length > 0)) configure(matcher, "{}");
    }\n`
  );
}

function nameOf(matcher, source) {
  const { name } = matcher ?? {};
  if (typeof name !== "string") throw new BuildError(`${shown(source)} does not export a matcher as its default`);
  if (/^[a-z0-9-]+$/.test(name)) return name;
  const hint = "use lower-case letters, digits and dashes";
  throw new BuildError(`${shown(source)}: \`${name}\` is no name for a matcher; ${hint}`);
}

async function asInComponent(act) {
  // What nobody waits for ends no build here; what it does in a component is seen there.
  process.on("unhandledRejection", () => {});
  const before = [...ABSENT, "self"].map((name) => [name, Object.getOwnPropertyDescriptor(globalThis, name)]);
  for (const name of ABSENT) delete globalThis[name];
  globalThis.self = globalThis;
  try {
    await act();
  } finally {
    delete globalThis.self;
    for (const [name, own] of before) if (own) Object.defineProperty(globalThis, name, own);
  }
}

/** The author's own line that is nearest to an error. */
async function placeOf(error, source, outfile) {
  const map = new SourceMap(JSON.parse(await readFile(`${outfile}.map`, "utf8")));
  const lines = (await readFile(outfile, "utf8")).split("\n");
  const { stack } = error?.problems?.[0] ?? error ?? {};
  for (const [, line, column] of String(stack).matchAll(/check\.mjs:(\d+):(\d+)/g)) {
    // The place of a member is its dot, which the map counts among what is before it.
    const dot = lines[line - 1]?.[column - 1] === "." ? 1 : 0;
    const { originalSource, originalLine } = map.findEntry(line - 1, column - 1 + dot);
    const file = originalSource === undefined ? undefined : resolve(dirname(outfile), originalSource);
    if (file && isOwn(file, realpathSync(dirname(source)))) return `${shown(file)}:${originalLine + 1}`;
  }
  return shown(source);
}

/** Whether a file is the author's: in the folder, and not of a package or an SDK that lies there as well. */
function isOwn(file, folder) {
  const within = (outer) => file.startsWith(outer + sep);
  return within(folder) && !within(SDK) && !relative(folder, file).split(sep).includes("node_modules");
}

function shown(file) {
  const path = relative("", file);
  return path.startsWith("..") ? resolve(file) : path;
}

function saidBy(error) {
  return error?.name === "Problems" ? error.message : String(error);
}
