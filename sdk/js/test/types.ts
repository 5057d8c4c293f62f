// What TypeScript knows of a matcher; `npm run types` checks it, nothing runs it.

import { type EventTime, fieldMatcher, Fields, integer, key, matcher, shape, text, time, Verdict } from "eventlatch-sdk";
import { Bench, type Outcome } from "eventlatch-sdk/testing";

export const invoices = fieldMatcher({
  name: "invoices",
  summary: "an invoice was booked",
  config: shape(integer("day_shift_seconds").default(0)),
  fields: (config) => {
    const shift: number = config.day_shift_seconds;
    return Fields.on("invoices").key(text("number")).time("booked_at").sameBusinessDay().dayShiftSeconds(shift);
  },
});

export const largeOrder = matcher({
  name: "large-order",
  summary: "an order of some value was placed",
  topics: ["orders"],
  wanted: shape(text("shop"), integer("at_least"), text("day").optional()),
  message: shape(text("shop"), integer("total"), time("placed_at")),
  prepare(wanted, on) {
    wanted.day = on;
    // @ts-expect-error there is no such field
    wanted.shops;
    return key(wanted.shop);
  },
  extract(message) {
    const at: EventTime = message.placed_at;
    return key(message.shop).at(at);
  },
  confirm({ wanted, message }) {
    // @ts-expect-error a tombstone has no message
    message.total;
    const enough = message !== undefined && message.total >= wanted.at_least;
    return enough ? Verdict.fulfilled() : Verdict.refused("not enough");
  },
});

// @ts-expect-error a matcher has a name
export const nameless = fieldMatcher({ summary: "", fields: () => Fields.on("a") });

export const outcome: Outcome = Bench.of(largeOrder, {}).judge({ shop: "s" }, "{}", "2019-07-07 08:00:00");
