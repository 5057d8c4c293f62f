// The rule of `etl-finish`, as `matchers/etl-finish` has it in Rust.
import { fieldMatcher, Fields, text } from "eventlatch-sdk";

export default fieldMatcher({
  name: "etl-finish",
  summary: "a table, or a partition of one, has been written",
  fields: () =>
    Fields.on("etl-finish")
      .key(text("db"))
      .key(text("table"))
      .optional(text("partition_values").template("yyyymm"))
      .time("timestamp")
      .sameBusinessDay(),
});
