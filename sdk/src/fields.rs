//! Matchers made of rules instead of code: which fields are the key, which may be left open, when it happened.
//!
//! A field-wise matcher reads messages with the SDK's own scanner, which is faster than decoding them and just as
//! strict. All it needs is a list:
//!
//! ```
//! use eventlatch_sdk::{FieldMatcher, Fields, NoConfig, Problems, fields::*};
//!
//! struct OrderShipped;
//!
//! impl FieldMatcher for OrderShipped {
//!     type Config = NoConfig;
//!
//!     const NAME: &'static str = "order-shipped";
//!     const SUMMARY: &'static str = "an order left the warehouse";
//!
//!     fn fields(_: NoConfig) -> Result<Fields, Problems> {
//!         Ok(Fields::on("order-shipped").key(text("order")).optional(text("carrier")).time("shipped_at").same_business_day())
//!     }
//! }
//!
//! eventlatch_sdk::export_matcher!(OrderShipped: FieldMatcher);
//! ```

mod check;
mod extract;
mod field;
mod plan;
mod prepare;
mod schema;

use schemars::JsonSchema;
use serde::de::DeserializeOwned;

use crate::Problems;

pub use field::{Field, Kind, boolean, integer, number, scalar, text};
pub(crate) use plan::Plan;

/// How many fields a wanted message may leave open. A message carries a key for each subset of them.
pub const MAX_OPTIONAL: usize = 3;

/// A matcher that tells messages by some of their fields.
///
/// What can be set goes into `Config`, with serde's defaults; its doc comments become the descriptions that the service
/// shows.
///
/// ```
/// use eventlatch_sdk::fields::text;
/// use eventlatch_sdk::prelude::*;
/// use eventlatch_sdk::testing::Bench;
///
/// #[derive(Deserialize, JsonSchema)]
/// #[serde(crate = "eventlatch_sdk::serde")]
/// struct Config {
///     /// Seconds by which the business day begins before midnight.
///     #[serde(default)]
///     day_shift_seconds: i32,
/// }
///
/// struct Invoices;
///
/// impl FieldMatcher for Invoices {
///     type Config = Config;
///
///     const NAME: &'static str = "invoices";
///     const SUMMARY: &'static str = "an invoice was booked";
///
///     fn fields(config: Config) -> Result<Fields, Problems> {
///         let fields = Fields::on("invoices").key(text("number")).time("booked_at").same_business_day();
///         Ok(fields.day_shift_seconds(config.day_shift_seconds))
///     }
/// }
///
/// let bench = Bench::of_fields::<Invoices>(r#"{"day_shift_seconds": 7200}"#)?;
/// assert_eq!(bench.settings().day_shift_seconds, 7200);
/// # Ok::<(), Problems>(())
/// ```
pub trait FieldMatcher: 'static {
    /// The configuration; [`NoConfig`](crate::NoConfig) where there is none.
    type Config: DeserializeOwned + JsonSchema;

    /// The matcher's name: lower-case letters, digits and dashes.
    const NAME: &'static str;

    /// One line: what message this matcher knows.
    const SUMMARY: &'static str;

    /// The matcher's own version, for people; empty: that of the crate which exports it.
    const VERSION: &'static str = "";

    /// The rules under a configuration.
    ///
    /// Also called with an empty configuration, to describe the matcher before it is configured; if that is a problem
    /// the description tells no more than the name.
    fn fields(config: Self::Config) -> Result<Fields, Problems>;
}

/// What tells a message: the rules of a [`FieldMatcher`].
///
/// Every field named here must be in every message, with the right JSON type; a message without one is malformed.
/// Fields that are not named do not matter.
///
/// Rules are a value, built step by step. Whether they make sense is checked when the matcher is configured, and all
/// that is wrong with them is told at once.
///
/// | step | in a message | in a wanted message |
/// |---|---|---|
/// | [`key`](Fields::key) | must be there | must be there, unless it has a default |
/// | [`optional`](Fields::optional) | must be there | left out: any value will do |
/// | [`time`](Fields::time) | must be there | unknown |
///
/// ```
/// use eventlatch_sdk::fields::{Fields, boolean, integer, text};
///
/// let invoices = Fields::on("invoices")
///     .key(text("customer"))
///     .key(integer("year"))
///     .optional(text("month").template("day"))
///     .key(boolean("paid").default(true))
///     .time("booked_at")
///     .same_business_day();
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Fields {
    topic: String,
    keys: Vec<Field>,
    optional: Vec<Field>,
    time: Option<String>,
    same_business_day: bool,
    day_shift_seconds: i32,
    partition_lag_days: i32,
}

impl Fields {
    /// Rules for the messages of a topic.
    pub fn on(topic: impl Into<String>) -> Self {
        Self {
            topic: topic.into(),
            keys: Vec::new(),
            optional: Vec::new(),
            time: None,
            same_business_day: false,
            day_shift_seconds: 0,
            partition_lag_days: 0,
        }
    }

    /// Adds a field that a wanted message must give, unless the field has a default.
    ///
    /// There must be at least one. A message is a candidate only for wanted messages with the very same values.
    pub fn key(mut self, field: Field) -> Self {
        self.keys.push(field);
        self
    }

    /// Adds a field that a wanted message may leave out: then any value will do. At most [`MAX_OPTIONAL`].
    ///
    /// An empty text is a value like any other; only a field that is not there is open. A message carries a key for
    /// each subset of the optional fields, so each of them doubles the keys of every message.
    pub fn optional(mut self, field: Field) -> Self {
        self.optional.push(field);
        self
    }

    /// Names the field with the event time, in any of the forms of [`EventTime`](crate::EventTime).
    ///
    /// Without one, messages have no event time, and only equal keys count.
    pub fn time(mut self, field: impl Into<String>) -> Self {
        self.time = Some(field.into());
        self
    }

    /// Wants the event to have happened on the business day on which its message arrived.
    ///
    /// A message about yesterday that arrives today is then a near miss, whose reason names both dates. Both are dates
    /// in the sensor's zone. Needs a [time](Fields::time).
    pub fn same_business_day(mut self) -> Self {
        self.same_business_day = true;
        self
    }

    /// Lets the business day begin so many seconds before midnight (7200: at 22:00 of the day before).
    pub fn day_shift_seconds(mut self, seconds: i32) -> Self {
        self.day_shift_seconds = seconds;
        self
    }

    /// Lets templates see the business date minus so many days.
    ///
    /// For jobs that write the partition of a day some days later: with a lag of two, what is wanted on 2019-07-08 is
    /// rendered with 2019-07-06.
    pub fn partition_lag_days(mut self, days: i32) -> Self {
        self.partition_lag_days = days;
        self
    }
}
