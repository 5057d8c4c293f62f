import assert from "node:assert/strict";
import { test } from "node:test";

import { Bench } from "eventlatch-sdk/testing";

import orderPaid from "./matcher.js";

const WANTED = { order: "o-17", at_least: 100 };

function judge(order, amount, paid_at) {
  return Bench.of(orderPaid).judge(WANTED, { order, amount, paid_at }, "2019-07-07 09:00:00");
}

test("a payment of today that is enough fulfils", () => {
  assert.deepEqual(judge("o-17", 100, "2019-07-07 08:00:00"), { kind: "fulfilled" });
  assert.deepEqual(judge("o-18", 100, "2019-07-07 08:00:00"), { kind: "other" });
  assert.deepEqual(judge("o-17", 99.5, "2019-07-07 08:00:00"), { kind: "refused", reason: "99.5 is less than 100" });
  assert.equal(judge("o-17", 100, "2019-07-06 08:00:00").kind, "refused");
});

test("malformed messages are rejected", () => {
  const bench = Bench.of(orderPaid, { smallest: 0.01 });
  const free = bench.reject({ order: "o-17", amount: 0, paid_at: 1562486400 });
  assert.equal(free, "field `amount` must be at least 0.01");
  assert.notEqual(bench.reject({ order: "o-17", amount: 1 }), undefined);
});
