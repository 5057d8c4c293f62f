// What the SDKs of all languages agree on: sdk/vectors.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { boolean, Fields, Frame, integer, number, scalar, text } from "eventlatch-sdk";

import { ANY, concat, ofValue } from "../src/key.js";
import { Plan } from "../src/plan.js";
import { loads } from "../src/strict-json.js";
import { Templates } from "../src/template.js";

// With the SDK's own reader: it is exact where JavaScript's is not.
const vectors = (file) => loads(readFileSync(new URL(`../../vectors/${file}`, import.meta.url), "utf8"));
const hex = (bytes) => Buffer.from(bytes).toString("hex");
const bytesOf = ({ message, hex }) => new Uint8Array(message === undefined ? Buffer.from(hex, "hex") : Buffer.from(message));

const ORDER = Fields.on("order")
  .key(text("order"))
  .key(integer("units"))
  .key(boolean("paid"))
  .optional(number("total"))
  .optional(scalar("by"))
  .time("at");

test("keys have the bytes of all languages", () => {
  for (const { fields, key } of vectors("keys.json")) {
    assert.equal(hex(concat(fields.map((field) => (field === null ? ANY : ofValue(field))))), key, String(fields));
  }
});

test("messages are read as in all languages", () => {
  const plan = new Plan(ORDER);
  for (const vector of vectors("messages.json")) {
    const shown = vector.message ?? vector.hex;
    if (vector.rejected === undefined) {
      const { keys, time } = plan.extract(bytesOf(vector));
      assert.deepEqual(keys.map(hex), vector.keys, shown);
      assert.deepEqual([time.millis, time.isCivil], [vector.time, vector.civil], shown);
    } else {
      const agrees = ({ reason }) =>
        vector.rejected === "not JSON" ? reason.startsWith("not JSON: ") : reason === vector.rejected;
      assert.throws(() => plan.extract(bytesOf(vector)), agrees, shown);
    }
  }
});

test("templates become what they do in all languages", () => {
  const templates = new Templates(2);
  for (const { template, on, rendered, problem } of vectors("templates.json")) {
    if (problem === undefined) {
      assert.equal(templates.render(template, "yyyymm", on), rendered, `${template} on ${on}`);
    } else {
      const agrees = ({ message }) => message.includes(problem);
      assert.throws(() => templates.render(template, "yyyymm", on), agrees, template);
    }
  }
});

test("frames are those of all languages", () => {
  for (const vector of vectors("frames.json")) {
    const because = (expected) => ({ reason }) => reason === expected;
    if (vector.rejected !== undefined) {
      assert.throws(() => Frame.of(bytesOf(vector)), because(vector.rejected), vector.hex);
      continue;
    }
    const frame = Frame.of(bytesOf(vector));
    assert.deepEqual([frame.schemaId, hex(frame.payload)], [vector.schema_id, vector.payload]);
    if (vector.protobuf_rejected !== undefined) {
      assert.throws(() => frame.protobuf(), because(vector.protobuf_rejected), vector.hex);
    } else {
      const { indexes, bytes } = frame.protobuf();
      assert.deepEqual([indexes, hex(bytes)], [vector.indexes, vector.bytes]);
    }
  }
});
