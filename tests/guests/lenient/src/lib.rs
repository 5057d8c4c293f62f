//! A build of `etl-finish` with deliberate differences: what happened may have happened on any day, and templates see the day
//! before the business date.

use eventlatch_sdk::fields::text;
use eventlatch_sdk::prelude::*;

pub struct Lenient;

impl FieldMatcher for Lenient {
    type Config = NoConfig;

    const NAME: &'static str = "etl-finish";
    const SUMMARY: &'static str = "a table, or a partition of one, has been written on any day";

    fn fields(_: NoConfig) -> Result<Fields, Problems> {
        Ok(Fields::on("etl-finish")
            .key(text("db"))
            .key(text("table"))
            .optional(text("partition_values").template("yyyymm"))
            .time("timestamp")
            .partition_lag_days(1))
    }
}

export_matcher!(Lenient: FieldMatcher);
