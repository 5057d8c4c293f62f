//! The matcher of `etl-finish`: a table, or a partition of one, has been written.
//!
//! ```json
//! {"db": "db1", "table": "table1", "partition_values": "201907", "timestamp": 1562490000}
//! ```
//!
//! A wanted message names `db` and `table`. Its `partition_values` is a template over the business date minus
//! `partition_lag_days`, under the name `yyyymm`; absent means any partition, `""` means exactly empty.

use eventlatch_sdk::{FieldMatcher, Fields, Problems, export_matcher, fields::text, schemars, serde};

/// Knows `etl-finish`.
pub struct EtlFinish;

/// `[matchers.etl-finish.config]`
#[derive(Debug, serde::Deserialize, schemars::JsonSchema)]
#[serde(crate = "eventlatch_sdk::serde", deny_unknown_fields)]
#[schemars(crate = "eventlatch_sdk::schemars")]
pub struct Config {
    /// Seconds by which the business day begins before midnight (7200: at 22:00 of the day before).
    #[serde(default)]
    day_shift_seconds: i32,
    /// Templates see the business date minus so many days.
    #[serde(default = "two")]
    partition_lag_days: i32,
}

fn two() -> i32 {
    2
}

impl FieldMatcher for EtlFinish {
    type Config = Config;

    const NAME: &'static str = "etl-finish";
    const SUMMARY: &'static str = "a table, or a partition of one, has been written";

    fn fields(config: Config) -> Result<Fields, Problems> {
        Ok(Fields::on("etl-finish")
            .key(text("db"))
            .key(text("table"))
            .optional(text("partition_values").template("yyyymm"))
            .time("timestamp")
            .same_business_day()
            .day_shift_seconds(config.day_shift_seconds)
            .partition_lag_days(config.partition_lag_days))
    }
}

export_matcher!(EtlFinish: FieldMatcher);
