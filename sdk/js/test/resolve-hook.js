const SDK = new URL("../src/", import.meta.url);

/** What `exports` in package.json says. */
const EXPORTS = { "eventlatch-sdk": "index.js", "eventlatch-sdk/testing": "testing.js" };

export function resolve(specifier, context, next) {
  const file = EXPORTS[specifier];
  return file ? { url: new URL(file, SDK).href, shortCircuit: true } : next(specifier, context);
}
