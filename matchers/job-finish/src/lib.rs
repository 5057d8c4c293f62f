//! The matcher of `job-finish`: a job has ended, well or not.
//!
//! ```json
//! {"job_name": "jn0", "is_success": true, "timestamp": 1562486400}
//! ```
//!
//! A wanted message names `job_name`; without `is_success` it wants `true`.

use eventlatch_sdk::fields::{boolean, text};
use eventlatch_sdk::{FieldMatcher, Fields, Problems, export_matcher, schemars, serde};

/// Knows `job-finish`.
pub struct JobFinish;

/// `[matchers.job-finish.config]`
#[derive(Debug, serde::Deserialize, schemars::JsonSchema)]
#[serde(crate = "eventlatch_sdk::serde", deny_unknown_fields)]
#[schemars(crate = "eventlatch_sdk::schemars")]
pub struct Config {
    /// Seconds by which the business day begins before midnight (7200: at 22:00 of the day before).
    #[serde(default)]
    day_shift_seconds: i32,
}

impl FieldMatcher for JobFinish {
    type Config = Config;

    const NAME: &'static str = "job-finish";
    const SUMMARY: &'static str = "a job has ended";

    fn fields(config: Config) -> Result<Fields, Problems> {
        Ok(Fields::on("job-finish")
            .key(text("job_name"))
            .key(boolean("is_success").default(true))
            .time("timestamp")
            .same_business_day()
            .day_shift_seconds(config.day_shift_seconds))
    }
}

export_matcher!(JobFinish: FieldMatcher);
