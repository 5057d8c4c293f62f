// What a component exports: the interface's columns on one side, an adapter on the other. Runs only in a component.

import * as host from "eventlatch:matcher/host@1.0.0";

import * as adapters from "./adapter.js";
import { connect, log } from "./log.js";
import { Problem, Problems, Reject } from "./problem.js";
import { dumps } from "./strict-json.js";

const UTF8 = new TextDecoder();

// Ends a call whose reason has been logged.
const LOGGED = {
  // Whatever else is thrown while it is configured, the interface takes for a list of problems.
  get payload() {
    throw LOGGED;
  },
  // The engine would print it once more.
  toSource: () => "",
};

/** The interface `eventlatch:matcher/guest`. */
export function guestOf(definition) {
  let configured;
  return {
    describe: called(() => {
      const about = adapters.describe(definition);
      return {
        ...about,
        wantedSchema: dumps(about.wantedSchema),
        messageSchema: dumps(about.messageSchema),
        configSchema: dumps(about.configSchema),
        needs: Object.fromEntries(about.needs.map((need) => [need, true])),
      };
    }),
    configure: called((config) => {
      configured = adapters.configure(definition, config);
      return configured.settings();
    }),
    prepare: called((wanted, on) => wanted.map((it) => prepared(configured, it, dateText(on)))),
    extract: called((batch) => extracts(configured, batch)),
    confirm: called((candidates) => candidates.map((candidate) => verdict(configured, candidate))),
  };
}

/** One call. Logs what is thrown before it becomes a trap, so that the fault has a reason. */
function called(call) {
  return (...given) => {
    connect((level, text) => host.log(level, String(text)));
    Math.random = randomNumbers();
    try {
      return call(...given);
    } catch (error) {
      // The interface's own way of saying it: whatever has a payload.
      if (error instanceof Problems) throw { payload: error.problems.map(problem) };
      log.error(`matcher threw: ${error?.stack ? `${error}\n${error.stack}` : error}`.trimEnd());
      throw LOGGED;
    }
  };
}

/** The same in every call, or an answer would depend on the calls before it. */
function randomNumbers() {
  let state = 1;
  // Park and Miller's, whose products a double holds.
  return () => (state = (state * 48_271) % 2_147_483_647) / 2_147_483_647;
}

const problem = ({ field, message }) => ({ field, message });

function prepared(configured, wanted, on) {
  try {
    return { tag: "ok", val: configured.prepare(wanted, on) };
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    return { tag: "err", val: problem(error) };
  }
}

function extracts(configured, batch) {
  const count = batch.values.ends.length;
  const [messages, columns] = [new Messages(batch), new Columns(count)];
  // A plain loop: every message of a topic comes through here, and nothing compiles it.
  for (let message = 0; message < count; message += 1) {
    try {
      columns.add(message, configured.extract(messages.value(message), messages.envelope(message)));
    } catch (error) {
      if (!(error instanceof Reject)) throw error;
      columns.rejects.push({ message, reason: error.reason });
    }
  }
  return columns.all();
}

/** What the messages of a batch are, as the interface wants it. */
class Columns {
  rejects = [];
  #keys = new Bytes();
  #ends = [];
  #messages = [];
  #times;
  #timeKinds;

  constructor(count) {
    this.#times = new BigInt64Array(count);
    this.#timeKinds = new Uint8Array(count);
  }

  add(message, { keys, time }) {
    for (let at = 0; at < keys.length; at += 1) {
      this.#ends.push(this.#keys.add(keys[at]));
      this.#messages.push(message);
    }
    if (time === undefined) return;
    this.#times[message] = BigInt(time.millis);
    this.#timeKinds[message] = time.isCivil ? 2 : 1;
  }

  all() {
    const keys = { bytes: this.#keys.all(), ends: Uint32Array.from(this.#ends) };
    const messages = Uint32Array.from(this.#messages);
    return { keys, messages, times: this.#times, timeKinds: this.#timeKinds, rejects: this.rejects };
  }
}

/** Bytes that grow at their end. */
class Bytes {
  #bytes = new Uint8Array(4096);
  #length = 0;

  /** Adds bytes and tells the new length. */
  add(more) {
    if (this.#length + more.length > this.#bytes.length) {
      const larger = new Uint8Array((this.#length + more.length) * 2);
      larger.set(this.all());
      this.#bytes = larger;
    }
    this.#bytes.set(more, this.#length);
    this.#length += more.length;
    return this.#length;
  }

  all() {
    return this.#bytes.subarray(0, this.#length);
  }
}

/** The messages of a batch, taken out of its columns one by one. */
class Messages {
  #batch;
  #tombstones;
  #keys;
  #headers;

  constructor(batch) {
    this.#batch = batch;
    this.#tombstones = new Set(batch.tombstones);
    this.#keys = batch.keys && items(batch.keys);
    this.#headers = headersOf(batch.headers);
  }

  /** Undefined is a tombstone. */
  value(message) {
    if (this.#tombstones.size > 0 && this.#tombstones.has(message)) return undefined;
    const { bytes, ends } = this.#batch.values;
    return bytes.subarray(message === 0 ? 0 : ends[message - 1], ends[message]);
  }

  envelope(message) {
    const key = this.#keys?.[message];
    return {
      topic: this.#batch.topic,
      arrival: Number(this.#batch.arrivals[message]),
      key: key?.length > 0 ? key : undefined,
      headers: this.#headers.get(message) ?? [],
    };
  }
}

function headersOf(headers) {
  const found = new Map();
  if (headers === undefined || headers === null) return found;
  const [names, values] = [items(headers.names), items(headers.values)];
  headers.messages.forEach((message, at) => {
    const list = found.get(message) ?? [];
    found.set(message, [...list, { name: UTF8.decode(names[at]), value: values[at] }]);
  });
  return found;
}

function items({ bytes, ends }) {
  return Array.from(ends, (end, at) => bytes.subarray(at === 0 ? 0 : ends[at - 1], end));
}

function verdict(configured, candidate) {
  const arrival = moment(candidate.arrival);
  const { topic, headers, token } = candidate;
  const value = candidate.value ?? undefined;
  const key = candidate.key ?? undefined;
  const envelope = { topic, arrival: arrival.instant, key, headers };
  const eventTime = candidate.eventTime ? moment(candidate.eventTime) : undefined;
  const { reason } = configured.confirm({ token, value, envelope, eventTime, arrival });
  return reason === undefined ? { tag: "fulfilled" } : { tag: "refused", val: reason };
}

function moment({ instant, civil, businessDate }) {
  return {
    instant: Number(instant),
    // Made only for who asks: most go by the business date.
    get civil() {
      return civilText(civil);
    },
    businessDate: dateText(businessDate),
  };
}

function civilText({ date, hour, minute, second, millisecond }) {
  const clock = [hour, minute, second].map(two).join(":");
  return `${dateText(date)}T${clock}.${String(millisecond).padStart(3, "0")}`;
}

const two = (number) => (number < 10 ? `0${number}` : String(number));
const dateText = ({ year, month, day }) => `${String(year).padStart(4, "0")}-${two(month)}-${two(day)}`;
