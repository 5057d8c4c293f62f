// Fields: what a message and a wanted message are made of, and the rules of a field-wise matcher.

import { EventTime } from "./time.js";
import { Problem, Reject } from "./problem.js";
import { kindOf } from "./strict-json.js";

/** How many fields a wanted message may leave open. A message carries a key for each subset of them. */
export const MAX_OPTIONAL = 3;

// The names that mean something to the service in every wanted message.
const RESERVED = ["topic", "frequency", "task_id", "matcher", "optional", "count", "distinct"];

const isNumber = (value) => typeof value === "number" || typeof value === "bigint";
const isWhole = (value) => typeof value === "bigint" || Number.isInteger(value);

const TIME_SCHEMA = {
  type: ["number", "string"],
  description: "epoch seconds, `YYYY-MM-DD HH:MM:SS` in the sensor's zone, or RFC 3339",
};

// What JSON a field may be: how a sentence says it, its schema, what fits, whether it can be part of a key.
const KINDS = {
  text: { text: "text", schema: { type: "string" }, fits: (it) => typeof it === "string", scalar: true },
  boolean: { text: "a boolean", schema: { type: "boolean" }, fits: (it) => typeof it === "boolean", scalar: true },
  integer: { text: "a whole number", schema: { type: "integer" }, fits: (it) => isNumber(it) && isWhole(it), scalar: true },
  number: { text: "a number", schema: { type: "number" }, fits: isNumber, scalar: true },
  scalar: {
    text: "text, a number or a boolean",
    schema: { type: ["string", "number", "boolean"] },
    fits: (it) => isNumber(it) || typeof it === "string" || typeof it === "boolean",
    scalar: true,
  },
  time: {
    text: "epoch seconds or text",
    schema: TIME_SCHEMA,
    fits: (it) => isNumber(it) || typeof it === "string",
    scalar: false,
  },
  json: { text: "a value", schema: {}, fits: (it) => it !== undefined, scalar: false },
};

/** A field: its name, its kind, and what a wanted message may put into it. */
export class Field {
  constructor(name, kind, more = {}) {
    checkName(name);
    this.name = name;
    this.kind = kind;
    this.templateName = more.templateName;
    this.defaultValue = more.defaultValue;
    this.isOptional = more.isOptional ?? false;
  }

  template(name) {
    return new Field(this.name, this.kind, { ...this, templateName: name });
  }

  default(value) {
    return new Field(this.name, this.kind, { ...this, defaultValue: value });
  }

  optional() {
    return new Field(this.name, this.kind, { ...this, isOptional: true });
  }

  /** How a sentence says what it must be. */
  get says() {
    return KINDS[this.kind].text;
  }

  get schema() {
    return { ...KINDS[this.kind].schema };
  }

  fits(value) {
    return KINDS[this.kind].fits(value);
  }

  /** What is wrong with a value. */
  mismatch(value) {
    if (this.fits(value)) return undefined;
    return `must be ${this.says}, not ${kindOf(value)}`;
  }

  /** What is wrong with it as a part of a key. */
  problem(before) {
    if (this.name === "") return "a field's name must not be empty";
    if (!KINDS[this.kind].scalar) return `${this.kind} cannot be a key field`;
    if (RESERVED.includes(this.name)) return "is the service's own field of a wanted message and cannot be a key field";
    if (before.includes(this.name)) return "is given twice";
    if (this.templateName !== undefined && this.kind !== "text") return `only text can be a template, not ${this.says}`;
    const wrong = this.defaultValue === undefined ? undefined : this.mismatch(this.defaultValue);
    return wrong && `its default ${wrong}`;
  }
}

export const text = (name) => new Field(name, "text");
export const boolean = (name) => new Field(name, "boolean");
export const integer = (name) => new Field(name, "integer");
export const number = (name) => new Field(name, "number");
export const scalar = (name) => new Field(name, "scalar");
export const time = (name) => new Field(name, "time");
export const json = (name) => new Field(name, "json");

/** What tells a message. Rules are a value, built step by step. */
export class Fields {
  constructor(rules) {
    Object.assign(this, rules);
  }

  static on(topic) {
    return new Fields({ topic, keys: [], open: [], timeField: undefined, sameDay: false, shiftSeconds: 0, lagDays: 0 });
  }

  key(field) {
    return new Fields({ ...this, keys: [...this.keys, asField(field)] });
  }

  optional(field) {
    return new Fields({ ...this, open: [...this.open, asField(field)] });
  }

  time(name) {
    checkName(name);
    return new Fields({ ...this, timeField: name });
  }

  sameBusinessDay() {
    return new Fields({ ...this, sameDay: true });
  }

  dayShiftSeconds(seconds) {
    return new Fields({ ...this, shiftSeconds: seconds });
  }

  partitionLagDays(days) {
    return new Fields({ ...this, lagDays: days });
  }

  /** Everything that is wrong with the rules. */
  problems() {
    const problems = [];
    if (this.topic === "") problems.push(Problem.of("topic", "must not be empty"));
    if (this.keys.length === 0) {
      problems.push(Problem.of("key", "there must be at least one key field that is not optional"));
    }
    if (this.open.length > MAX_OPTIONAL) {
      const message = `there may be ${MAX_OPTIONAL} optional fields, not ${this.open.length}`;
      problems.push(Problem.of("optional", message));
    }
    if (this.sameDay && this.timeField === undefined) {
      problems.push(Problem.of("rule", "`sameBusinessDay` needs a time field"));
    }
    if (!(Math.abs(this.shiftSeconds) < 86_400)) {
      const message = "must be less than a day (86400), forwards or backwards";
      problems.push(Problem.of("day_shift_seconds", message));
    }
    const fields = [...this.keys, ...this.open];
    const names = fields.map((field) => field.name);
    fields.forEach((field, at) => {
      const wrong = field.problem(names.slice(0, at));
      if (wrong) problems.push(Problem.of(field.name, wrong));
    });
    return problems;
  }
}

/** Reads a field of a message as an event time. */
export function eventTime(field, document) {
  const { name } = field;
  if (!Object.hasOwn(document, name)) throw new Reject(`field \`${name}\` is missing; it must be ${field.says}`);
  const wrong = field.mismatch(document[name]);
  if (wrong) throw new Reject(`field \`${name}\` ${wrong}`);
  try {
    return EventTime.parse(document[name]);
  } catch (reject) {
    throw new Reject(`field \`${name}\`: ${reject.reason}`);
  }
}

// Here, where the author's line is still among the callers.
function checkName(name) {
  if (typeof name !== "string") throw new TypeError(`a field's name must be text, not ${kindOf(name)}`);
}

/** The field itself; whatever else was given in its place is refused. */
export function asField(field) {
  if (field instanceof Field) return field;
  throw new TypeError(`a field is made with \`text\`, \`integer\` and so on, as in \`text(${JSON.stringify(field)})\``);
}
