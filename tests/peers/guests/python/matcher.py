"""The rule of `etl-finish`, as `matchers/etl-finish` has it in Rust."""

from eventlatch_sdk import FieldMatcher, Fields, text


class EtlFinish(FieldMatcher):
    name = "etl-finish"
    summary = "a table, or a partition of one, has been written"

    def fields(self) -> Fields:
        return (
            Fields.on("etl-finish")
            .key(text("db"))
            .key(text("table"))
            .optional(text("partition_values").template("yyyymm"))
            .time("timestamp")
            .same_business_day()
        )
