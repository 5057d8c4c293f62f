// Keys: what a message and a wanted message must have in common.
//
// A key is a list of fields. Each field is written as a tag of its type, its length and its bytes, so that no list of
// values can look like another one. The bytes are those of the SDKs in other languages; sdk/vectors/keys.json holds all
// of them to it.

const TAG = { any: 0, text: 1, boolean: 2, integer: 3, large: 4, float: 5 };

const HEAD = 5;
const I64 = 2n ** 63n;
const U64 = 2n ** 64n;
const UTF8 = new TextEncoder();

/** A list of typed fields. A key never changes: each method returns a longer one. */
export class Key {
  #bytes;

  constructor(bytes = new Uint8Array(0)) {
    this.#bytes = bytes;
  }

  text(value) {
    return this.#with(ofText(value));
  }

  boolean(value) {
    return this.#with(ofBoolean(value));
  }

  integer(value) {
    return this.#with(ofNumber(value));
  }

  number(value) {
    return this.#with(ofNumber(value));
  }

  any() {
    return this.#with(ANY);
  }

  at(time) {
    return new Extract([this], time);
  }

  or(other) {
    return new Extract([this, other]);
  }

  bytes() {
    return this.#bytes;
  }

  #with(field) {
    return new Key(concat([this.#bytes, field]));
  }
}

/** A key with the given fields, in order. */
export function key(...fields) {
  return new Key(fields.length === 1 ? ofValue(fields[0]) : concat(fields.map(ofValue)));
}

/** What a message is: its keys and its event time. */
export class Extract {
  constructor(keys = [], time) {
    this.keys = keys;
    this.time = time;
  }

  static nothing() {
    return new Extract();
  }

  or(key) {
    return new Extract([...this.keys, key], this.time);
  }

  at(time) {
    return new Extract(this.keys, time);
  }
}

/** A field of any type that a key can have. */
export function ofValue(value) {
  switch (typeof value) {
    case "string":
      return ofText(value);
    case "boolean":
      return ofBoolean(value);
    case "number":
    case "bigint":
      return ofNumber(value);
    default:
      throw new TypeError(`a key has texts, booleans and numbers, not ${value === null ? "null" : typeof value}`);
  }
}

export const ANY = field(TAG.any, 0);

export function ofText(value) {
  const bytes = UTF8.encode(value);
  const written = field(TAG.text, bytes.length);
  written.set(bytes, HEAD);
  return written;
}

function ofBoolean(value) {
  const written = field(TAG.boolean, 1);
  written[HEAD] = value ? 1 : 0;
  return written;
}

/** A number; one without a fraction is written as a whole number, as far as 64 bits go. */
function ofNumber(value) {
  if (typeof value === "number" && !Number.isInteger(value)) return ofFloat(value);
  const whole = BigInt(value);
  if (whole >= -I64 && whole < I64) {
    const written = field(TAG.integer, 8);
    view(written).setBigInt64(HEAD, whole, true);
    return written;
  }
  if (whole >= 0n && whole < U64) {
    const written = field(TAG.large, 8);
    view(written).setBigUint64(HEAD, whole, true);
    return written;
  }
  return ofFloat(Number(value));
}

function ofFloat(value) {
  const written = field(TAG.float, 8);
  view(written).setFloat64(HEAD, value, true);
  return written;
}

function field(tag, length) {
  const written = new Uint8Array(HEAD + length);
  written[0] = tag;
  // Byte by byte, because a view of its own costs more.
  written[1] = length;
  written[2] = length >>> 8;
  written[3] = length >>> 16;
  written[4] = length >>> 24;
  return written;
}

function view(bytes) {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** Bytes one after the other. */
export function concat(parts) {
  let length = 0;
  for (let index = 0; index < parts.length; index += 1) length += parts[index].length;
  const all = new Uint8Array(length);
  let at = 0;
  for (let index = 0; index < parts.length; index += 1) {
    all.set(parts[index], at);
    at += parts[index].length;
  }
  return all;
}
