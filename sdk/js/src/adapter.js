// Between the service and a matcher's definition: what a component exports, and what a bench drives in its place.
//
// Nothing here is for authors. The two adapters differ in how they come from bytes to keys.

import { Fields } from "./fields.js";
import { Key, Extract } from "./key.js";
import { sameBusinessDay, Verdict } from "./matcher.js";
import { Plan } from "./plan.js";
import { Problem, Problems, Reject } from "./problem.js";
import { decode, decodeWritten, rejected, schema } from "./shape.js";
import { dumps, loads, read } from "./strict-json.js";

const VERSION = "0.1.0";
const UTF8 = { encoder: new TextEncoder(), decoder: new TextDecoder() };

/** What a matcher is, before any configuration. */
export function describe(definition) {
  const { name, summary, version = VERSION, needs = [] } = definition;
  if (typeof name !== "string" || typeof summary !== "string") {
    throw new TypeError("a matcher has a `name` and a `summary`; export one made with `matcher` or `fieldMatcher`");
  }
  const own = "fields" in definition ? describeFields(definition) : describeTyped(definition);
  return { name, summary, version, needs: [...needs], configSchema: schema(definition.config ?? []), ...own };
}

/** A matcher with a configuration, a JSON object; throws problems. */
export function configure(definition, config) {
  try {
    return "fields" in definition ? new FieldWise(definition, config) : new Typed(definition, config);
  } catch (problem) {
    throw problem instanceof Problem ? new Problems([problem]) : problem;
  }
}

function describeFields(definition) {
  let plan;
  try {
    plan = new FieldWise(definition, "{}").plan;
  } catch (error) {
    if (!(error instanceof Problem || error instanceof Problems)) throw error;
    return { topics: [], wantedSchema: { type: "object" }, messageSchema: { type: "object" } };
  }
  return { topics: [plan.rules.topic], wantedSchema: plan.wantedSchema(), messageSchema: plan.messageSchema() };
}

function describeTyped({ topics = [], wanted, message }) {
  return { topics: [...topics], wantedSchema: schema(wanted), messageSchema: schema(message) };
}

class FieldWise {
  constructor(definition, config) {
    const rules = definition.fields(decodeWritten(definition.config ?? [], config));
    if (!(rules instanceof Fields)) throw new TypeError("`fields` must return `Fields`");
    this.plan = new Plan(rules);
  }

  settings() {
    return { topics: [this.plan.rules.topic], dayShiftSeconds: this.plan.rules.shiftSeconds };
  }

  prepare(wanted, on) {
    const { rendered, key } = this.plan.prepare(wanted, on);
    // Equal keys and the two dates decide; nothing of the wanted message is needed again.
    return { rendered, keys: [key], token: new Uint8Array(0) };
  }

  extract(value) {
    return this.plan.extract(value ?? new Uint8Array(0));
  }

  confirm({ eventTime, arrival }) {
    return this.plan.rules.sameDay ? sameBusinessDay({ eventTime, arrival }) : Verdict.fulfilled();
  }
}

class Typed {
  #matcher;
  #config;

  constructor(definition, config) {
    this.#matcher = definition;
    this.#config = decodeWritten(definition.config ?? [], config);
    definition.configure?.(this.#config);
  }

  settings() {
    return { topics: [], dayShiftSeconds: 0, ...this.#matcher.settings?.(this.#config) };
  }

  prepare(wanted, on) {
    const decoded = decodeWritten(this.#matcher.wanted, wanted);
    const keys = this.#matcher.prepare(decoded, on, this.#config);
    const list = keys instanceof Key ? [keys] : [...keys];
    if (list.length === 0) throw new Problem("the matcher gave no key for it, so that no message could fulfil it");
    const rendered = dumps(decoded);
    return { rendered, keys: list.map((key) => key.bytes()), token: UTF8.encoder.encode(rendered) };
  }

  extract(value, envelope) {
    const extract =
      value === undefined
        ? (this.#matcher.extractTombstone?.(envelope, this.#config) ?? Extract.nothing())
        : this.#matcher.extract(this.#decode(value), envelope, this.#config);
    if (extract instanceof Key) return { keys: [extract.bytes()], time: undefined };
    return { keys: extract.keys.map((key) => key.bytes()), time: extract.time };
  }

  confirm({ token, value, envelope, eventTime, arrival }) {
    const wanted = decode(this.#matcher.wanted, loads(UTF8.decoder.decode(token)), (_, text) => new Error(text));
    let message;
    try {
      message = value === undefined ? undefined : this.#decode(value);
    } catch (reject) {
      if (reject instanceof Reject) return Verdict.refused(reject.reason);
      throw reject;
    }
    const candidate = { wanted, message, envelope, eventTime, arrival };
    return this.#matcher.confirm?.(candidate, this.#config) ?? sameBusinessDay(candidate);
  }

  #decode(value) {
    if (this.#matcher.decode) return this.#matcher.decode(value, this.#config);
    const document = read(value);
    return this.#matcher.message === undefined ? document : decode(this.#matcher.message, document, rejected);
  }
}
