import assert from "node:assert/strict";
import { test } from "node:test";

import { Bench } from "eventlatch-sdk/testing";

import matcher from "./matcher.js";

test("fulfils on its day", () => {
  const message = { id: "17", status: "done", timestamp: "2026-01-05 08:00:00" };
  const judge = (id, arrival) => Bench.of(matcher).judge({ id }, message, arrival).kind;
  assert.equal(judge("17", "2026-01-05 09:00:00"), "fulfilled");
  assert.equal(judge("18", "2026-01-05 09:00:00"), "other");
  assert.equal(judge("17", "2026-01-06 09:00:00"), "refused");
});
