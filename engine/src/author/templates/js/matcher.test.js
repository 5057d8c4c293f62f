// The cases, without WebAssembly: verdicts and rejects. `eventlatch matcher test` compares all that they expect.

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";

import { Bench } from "eventlatch-sdk/testing";

import matcher from "./matcher.js";

const folder = new URL("cases/", import.meta.url);
const files = readdirSync(folder).filter((file) => file.endsWith(".json"));
const cases = files.flatMap((file) => JSON.parse(readFileSync(new URL(file, folder), "utf8")));

for (const { case: name, config, message, wanted, expect } of cases) {
  test(name, () => {
    const bench = Bench.of(matcher, config);
    if (expect.reject !== undefined) assert.ok(bench.reject(message.value)?.includes(expect.reject));
    if (expect.verdict === undefined) return;
    const { kind, reason = "" } = bench.judge(wanted, message.value, message.arrival);
    assert.equal(kind, expect.verdict);
    assert.ok(reason.includes(expect.reason ?? ""), reason);
  });
}
