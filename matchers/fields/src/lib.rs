//! A matcher that is configured, not coded.
//!
//! ```toml
//! [matchers.fields.config]
//! topic = "orders"
//! key = [{ field = "shop" }, { field = "year", kind = "integer" }]
//! optional = [{ field = "part", template = "yyyymm" }]
//! time = "written_at"
//! ```
//!
//! The built-in matchers are of the same making; a topic that is told by some of its fields needs no code.

mod config;

use eventlatch_sdk::{FieldMatcher, Fields, Problems, export_matcher};

pub use config::Config;

/// Knows what its configuration says.
pub struct ConfiguredFields;

impl FieldMatcher for ConfiguredFields {
    type Config = Config;

    const NAME: &'static str = "fields";
    const SUMMARY: &'static str = "messages told by the fields that its configuration names";

    fn fields(config: Config) -> Result<Fields, Problems> {
        config.into_fields()
    }
}

export_matcher!(ConfiguredFields: FieldMatcher);
