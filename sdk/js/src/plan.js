// Rules of a field-wise matcher, ready to run: messages to keys, wanted messages to keys, JSON Schemas.

import { eventTime, time } from "./fields.js";
import { ANY, concat, ofValue } from "./key.js";
import { Problem, Problems, Reject } from "./problem.js";
import { decodeWritten, unknownField } from "./shape.js";
import { dumps, kindOf, readObject } from "./strict-json.js";
import { Templates } from "./template.js";

/** The rules, with everything that is the same for all messages worked out. */
export class Plan {
  #fields;
  #required;
  #time;
  #templates;

  constructor(rules) {
    Problems.check(rules.problems());
    this.rules = rules;
    this.#fields = [...rules.keys, ...rules.open];
    this.#required = rules.keys.length;
    this.#time = rules.timeField === undefined ? undefined : time(rules.timeField);
    this.#templates = new Templates(rules.lagDays);
  }

  /** The keys of a message, one for each subset of the optional fields, and its event time. */
  extract(value) {
    const document = readObject(value);
    const parts = [];
    // Plain loops: every message of a topic comes through here, and nothing compiles it.
    for (let at = 0; at < this.#fields.length; at += 1) parts.push(written(this.#fields[at], document));
    const keys = [concat(parts)];
    for (let open = 1; open < 1 << (parts.length - this.#required); open += 1) keys.push(this.#opened(parts, open));
    return { keys, time: this.#time && eventTime(this.#time, document) };
  }

  /** The key in which some optional fields are left open: those whose bits are set. */
  #opened(parts, open) {
    const opened = parts.slice();
    for (let at = this.#required; at < parts.length; at += 1) {
      if ((open >> (at - this.#required)) & 1) opened[at] = ANY;
    }
    return concat(opened);
  }

  /** A wanted message's own fields as JSON, and its key. */
  prepare(wanted, on) {
    const left = { ...decodeWritten(undefined, wanted) };
    const rendered = {};
    const parts = this.#fields.map((field, at) => {
      const value = Object.hasOwn(left, field.name) ? left[field.name] : field.defaultValue;
      delete left[field.name];
      if (value !== undefined) return ofValue((rendered[field.name] = this.#render(field, value, on)));
      if (at >= this.#required) return ANY;
      throw Problem.of(field.name, `is missing; it must be ${field.says}`);
    });
    for (const name of Object.keys(left).sort()) throw unknownField(name, this.#fields);
    const sorted = Object.fromEntries(Object.entries(rendered).sort(([one], [other]) => (one < other ? -1 : 1)));
    return { rendered: dumps(sorted), key: concat(parts) };
  }

  wantedSchema() {
    const isNeeded = (field, at) => at < this.#required && field.defaultValue === undefined;
    return {
      type: "object",
      properties: Object.fromEntries(this.#fields.map((field, at) => [field.name, this.#wantedField(field, at)])),
      required: this.#fields.filter(isNeeded).map((field) => field.name),
      additionalProperties: false,
    };
  }

  messageSchema() {
    const fields = this.#time === undefined ? this.#fields : [...this.#fields, this.#time];
    const properties = Object.fromEntries(fields.map((field) => [field.name, field.schema]));
    return { type: "object", properties, required: fields.map((field) => field.name) };
  }

  #wantedField(field, at) {
    const schema = field.schema;
    const notes = [];
    if (field.templateName !== undefined) notes.push(`may be a template over the date \`${field.templateName}\``);
    if (at >= this.#required && field.defaultValue === undefined) notes.push("left out: any value");
    if (notes.length > 0) schema.description = notes.join("; ");
    if (field.defaultValue !== undefined) schema.default = field.defaultValue;
    return schema;
  }

  #render(field, value, on) {
    const wrong = field.mismatch(value);
    if (wrong) throw Problem.of(field.name, wrong);
    if (field.templateName === undefined) return value;
    try {
      return this.#templates.render(value, field.templateName, on);
    } catch (problem) {
      throw Problem.of(field.name, problem.message);
    }
  }
}

/** A field of a message, as it stands in a key. */
function written(field, document) {
  const value = document[field.name];
  // What a document inherits fits no field of a key.
  if (field.fits(value)) return ofValue(value);
  if (!Object.hasOwn(document, field.name)) {
    throw new Reject(`field \`${field.name}\` is missing; it must be ${field.says}`);
  }
  throw new Reject(`field \`${field.name}\` must be ${field.says}, not ${found(field, value)}`);
}

function found(field, value) {
  if (typeof value === "number" && field.kind === "integer") return value;
  return typeof value === "object" && value !== null ? "an object or a list" : kindOf(value);
}
