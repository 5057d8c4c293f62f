// Knows the messages of the topic `order-paid`: {"order": "o-17", "amount": 99.5, "paid_at": 1562486400}.

import { key, matcher, number, Problem, Reject, sameBusinessDay, shape, text, time, Verdict } from "eventlatch-sdk";

export default matcher({
  name: "order-paid",
  summary: "an order was paid",
  topics: ["order-paid"],

  // Amounts below `smallest` are taken for a mistake of the producer.
  config: shape(number("smallest").default(0)),

  // What a sensor waits for: an order of which at least so much is paid.
  wanted: shape(text("order"), number("at_least").default(0)),

  // What arrives on the topic.
  message: shape(text("order"), number("amount"), time("paid_at")),

  configure({ smallest }) {
    if (smallest < 0) throw Problem.of("smallest", "must not be negative");
  },

  prepare({ order }) {
    if (order === "") throw Problem.of("order", "must not be empty");
    return key(order);
  },

  extract({ order, amount, paid_at }, _envelope, { smallest }) {
    if (amount < smallest) throw new Reject(`field \`amount\` must be at least ${smallest}`);
    return key(order).at(paid_at);
  },

  confirm(candidate) {
    const { message, wanted } = candidate;
    if (message !== undefined && message.amount < wanted.at_least) {
      return Verdict.refused(`${message.amount} is less than ${wanted.at_least}`);
    }
    return sameBusinessDay(candidate);
  },
});
