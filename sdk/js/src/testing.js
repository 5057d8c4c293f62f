// Matchers without WebAssembly: what the service would make of a message, in a line of a test.

import { configure, describe } from "./adapter.js";
import { Problem, Reject } from "./problem.js";
import { dumps } from "./strict-json.js";
import { civilMillis, civilText } from "./time.js";

const UTF8 = new TextEncoder();

/** Runs a matcher as the service would. */
export class Bench {
  #adapter;
  #description;
  #offset = 0;
  #key;
  #headers = [];

  static of(definition, config = {}) {
    const bench = new Bench();
    bench.#adapter = configure(definition, json(config));
    bench.#description = describe(definition);
    return bench;
  }

  offsetHours(hours) {
    this.#offset = hours * 3_600_000;
    return this;
  }

  messageKey(key) {
    this.#key = bytes(key);
    return this;
  }

  header(name, value) {
    this.#headers.push({ name, value: bytes(value) });
    return this;
  }

  settings() {
    return this.#adapter.settings();
  }

  description() {
    return this.#description;
  }

  prepare(wanted, on) {
    return this.#adapter.prepare(json(wanted), on);
  }

  reject(message) {
    const outcome = this.#extract(valueOf(message), this.#envelope(0));
    return outcome.kind === "rejected" ? outcome.reason : undefined;
  }

  judge(wanted, message, arrival) {
    const arrived = this.#moment(arrivalMillis(arrival));
    const prepared = this.prepare(wanted, arrived.businessDate);
    if (message === undefined && !this.#description.needs.includes("tombstones")) return { kind: "other" };
    const [value, envelope] = [valueOf(message), this.#envelope(arrived.instant)];
    const found = this.#extract(value, envelope);
    if (found.kind === "rejected") return found;
    const wantedKeys = prepared.keys.map(String);
    if (!found.keys.some((key) => wantedKeys.includes(String(key)))) return { kind: "other" };
    const { token } = prepared;
    const eventTime = found.time && this.#eventTime(found.time);
    const { reason } = this.#adapter.confirm({ token, value, envelope, eventTime, arrival: arrived });
    return reason === undefined ? { kind: "fulfilled" } : { kind: "refused", reason };
  }

  #extract(value, envelope) {
    try {
      return this.#adapter.extract(value, envelope);
    } catch (reject) {
      if (!(reject instanceof Reject)) throw reject;
      return { kind: "rejected", reason: reject.reason };
    }
  }

  #envelope(arrival) {
    const { needs, topics } = this.#description;
    const topic = [...this.settings().topics, ...topics, ""][0];
    const key = needs.includes("keys") ? this.#key : undefined;
    return { topic, arrival, key, headers: needs.includes("headers") ? this.#headers : [] };
  }

  #eventTime({ millis, isCivil }) {
    return this.#moment(isCivil ? millis : millis + this.#offset);
  }

  /** The moment of a civil time, given as if its clock were UTC's. */
  #moment(millis) {
    const businessDate = civilText(millis + this.settings().dayShiftSeconds * 1000).slice(0, 10);
    return { instant: millis - this.#offset, civil: civilText(millis), businessDate };
  }
}

function arrivalMillis(text) {
  try {
    return civilMillis(text);
  } catch (error) {
    throw new Problem(error.message);
  }
}

const json = (document) => (typeof document === "string" ? document : dumps(document));
const bytes = (value) => (typeof value === "string" ? UTF8.encode(value) : value);

function valueOf(message) {
  if (message === undefined || message instanceof Uint8Array) return message;
  return UTF8.encode(json(message));
}
