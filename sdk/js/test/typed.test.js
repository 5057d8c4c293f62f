// A typed matcher that uses everything there is, on the bench. The twin of the Rust SDK's tests/typed.rs.

import assert from "node:assert/strict";
import { test } from "node:test";

import { Extract, integer, key, matcher, Problem, Reject, shape, text, Verdict } from "eventlatch-sdk";
import { Bench } from "eventlatch-sdk/testing";

const stock = matcher({
  name: "stock",
  summary: "an item is in stock, or no more",
  topics: ["stock"],
  needs: ["keys", "headers", "tombstones"],
  config: shape(text("region").default(""), integer("limit").default(0)),
  wanted: shape(text("item"), text("day").optional()),
  message: shape(text("item"), integer("count")),

  configure({ limit }) {
    if (limit < 0) throw Problem.of("limit", "must not be negative");
  },
  settings: ({ region }) => ({ topics: region === "" ? [] : [`stock-${region}`], dayShiftSeconds: 60 }),
  prepare(wanted, on) {
    wanted.day = on;
    return [key(wanted.item), key("every", "item")];
  },
  extract(message, { headers }) {
    if (message.count < 0) throw new Reject("negative count");
    const recall = headers.some(({ name, value }) => name === "recall" && new TextDecoder().decode(value) === "yes");
    return recall ? Extract.nothing() : key(message.item);
  },
  extractTombstone(envelope) {
    if (envelope.key === undefined) throw new Reject("no key");
    return key(new TextDecoder().decode(envelope.key));
  },
  confirm({ wanted, message }, { limit }) {
    if (message === undefined) return Verdict.refused(`no more ${wanted.item}`);
    return message.count < limit ? Verdict.refused("too few") : Verdict.fulfilled();
  },
});

const NAIL = { item: "nail" };
const AT = "2019-07-07 09:00:00";
const bench = () => Bench.of(stock, { limit: 5 });

test("judges messages", () => {
  const cases = [
    ['{"item": "nail", "count": 7}', { kind: "fulfilled" }],
    ['{"item": "nail", "count": 4}', { kind: "refused", reason: "too few" }],
    ['{"item": "screw", "count": 7}', { kind: "other" }],
    ['{"item": "nail", "count": -1}', { kind: "rejected", reason: "negative count" }],
    ["", { kind: "rejected", reason: "empty message; expected a JSON object" }],
    ['{"item": "nail"}', { kind: "rejected", reason: "field `count` is missing; it must be a whole number" }],
    ['{"item": "nail", "count": "7"}', { kind: "rejected", reason: "field `count` must be a whole number, not text" }],
  ];
  for (const [message, outcome] of cases) assert.deepEqual(bench().judge(NAIL, message, AT), outcome, message);
});

test("says the schema registry by name", () => {
  assert.match(bench().reject(new Uint8Array([0, 0, 0, 0, 1, 123, 125])), /schema registry/);
});

test("sees headers, keys and tombstones", () => {
  const recalled = bench().header("lot", "8").header("recall", "yes");
  assert.deepEqual(recalled.judge(NAIL, { item: "nail", count: 7 }, AT), { kind: "other" });
  const deleted = bench().messageKey("nail").judge(NAIL, undefined, AT);
  assert.deepEqual(deleted, { kind: "refused", reason: "no more nail" });
  assert.deepEqual(bench().judge(NAIL, undefined, AT), { kind: "rejected", reason: "no key" });
});

test("shows what it fills in", () => {
  assert.equal(bench().prepare(NAIL, "2019-07-08").rendered, '{"item":"nail","day":"2019-07-08"}');
});

test("refuses unknown fields by name", () => {
  const refused = (act, said) => assert.throws(act, (error) => String(error).includes(said), said);
  const unknown = "colour: unknown field; known: `item`, `day`";
  refused(() => bench().prepare({ item: "nail", colour: "red" }, "2019-07-08"), unknown);
  refused(() => bench().prepare({}, "2019-07-08"), "item: is missing");
  refused(() => Bench.of(stock, { limits: 1 }), "limits: unknown field");
  refused(() => Bench.of(stock, { limit: -1 }), "limit: must not be negative");
});

test("settings follow the configuration", () => {
  assert.deepEqual(Bench.of(stock, { region: "eu" }).settings(), { topics: ["stock-eu"], dayShiftSeconds: 60 });
  assert.deepEqual(Bench.of(stock).description().wantedSchema, {
    type: "object",
    properties: { item: { type: "string" }, day: { type: "string" } },
    required: ["item"],
  });
});
