// JSON as the Rust SDK reads it: what one of them takes, the others take. JavaScript's reader rounds whole numbers of
// more than 53 bits, takes numbers without end and halves of surrogate pairs.

import { parse, stringify } from "lossless-json";

import { Reject } from "./problem.js";

// How deep a document may nest; the outermost value counts.
const DEEPEST = 127;

// What is worth a second look: numbers that a double may not hold, an escaped surrogate.
const NUMBERS = /\d{16}|\d[eE]/;
const SURROGATES = /\\u[dD]/;

const UTF8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

const MAGIC_BYTE =
  "begins with the magic byte of a schema registry (Avro, Protobuf or JSON Schema framing); " +
  "have the producer write plain JSON, or write a matcher that decodes this format";

/** The JSON value of a message. */
export function read(value) {
  let text;
  try {
    text = UTF8.decode(value);
    return loads(text);
  } catch (error) {
    if (value.length === 0) throw new Reject("empty message; expected a JSON object");
    if (value[0] === 0 && value.length >= 5) throw new Reject(MAGIC_BYTE);
    throw new Reject(text === undefined ? "not JSON: invalid UTF-8" : `not JSON: ${error.message}`);
  }
}

/** The JSON object of a message. */
export function readObject(value) {
  const document = read(value);
  if (!isObject(document)) throw new Reject("not a JSON object");
  return document;
}

/** The value of a JSON text. */
export function loads(text) {
  const value = JSON.parse(text);
  // A document of so many levels has a bracket at each end of each.
  if (text.length > 2 * DEEPEST && text.split(/[[{]/).length > DEEPEST + 1) checkDepth(value);
  if (text.includes("\\") && SURROGATES.test(text)) checkTexts(value);
  return NUMBERS.test(text) ? exact(text) : value;
}

/** A value as compact JSON. */
export function dumps(value) {
  return stringify(value);
}

export function isObject(value) {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** What a JSON value is, for people. */
export function kindOf(value) {
  if (value === null) return "null";
  if (Array.isArray(value)) return "a list";
  const names = { boolean: "a boolean", number: "a number", bigint: "a number", string: "text", object: "an object" };
  return names[typeof value];
}

/** With whole numbers as they are written: those that a double cannot hold become BigInts. */
function exact(text) {
  return parse(text, undefined, { parseNumber: numberOf, onDuplicateKey: ({ newValue }) => newValue });
}

function numberOf(text) {
  const number = Number(text);
  if (!Number.isFinite(number)) throw new SyntaxError("number out of range");
  return Number.isSafeInteger(number) || /[.eE]/.test(text) ? number : BigInt(text);
}

function checkDepth(value) {
  let level = [value];
  for (let depth = 0; level.length > 0; depth += 1) {
    if (depth > DEEPEST - 1) throw new SyntaxError("nested too deeply");
    level = level.flatMap((it) => Object.values(it)).filter((it) => typeof it === "object" && it !== null);
  }
}

function checkTexts(value) {
  if (typeof value === "string" && !value.isWellFormed()) throw new SyntaxError("lone surrogate in a text");
  if (typeof value !== "object" || value === null) return;
  for (const [name, it] of Object.entries(value)) {
    checkTexts(name);
    checkTexts(it);
  }
}
