//! The configuration, which is all there is to this matcher.

use eventlatch_sdk::fields::{Field, Fields, Kind};
use eventlatch_sdk::{Problem, Problems, schemars, serde, serde_json::Value};

/// `[matchers.NAME.config]`
#[derive(Debug, serde::Deserialize, schemars::JsonSchema)]
#[serde(crate = "eventlatch_sdk::serde", deny_unknown_fields)]
#[schemars(crate = "eventlatch_sdk::schemars")]
pub struct Config {
    /// The topic whose messages these are.
    topic: String,
    /// The fields a wanted message must give, unless they have a default.
    key: Vec<KeyField>,
    /// Up to three fields that a wanted message may leave out: then any value will do.
    #[serde(default)]
    optional: Vec<KeyField>,
    /// The field with the event time; without one messages have none.
    #[serde(default)]
    time: Option<String>,
    /// What else must hold. Without it: `same_business_day` if there is a time field, else `none`.
    #[serde(default)]
    rule: Option<Rule>,
    /// Seconds by which the business day begins before midnight (7200: at 22:00 of the day before).
    #[serde(default)]
    day_shift_seconds: i32,
    /// Templates see the business date minus so many days.
    #[serde(default)]
    partition_lag_days: i32,
}

/// A field of the key.
#[derive(Debug, serde::Deserialize, schemars::JsonSchema)]
#[serde(crate = "eventlatch_sdk::serde", deny_unknown_fields)]
#[schemars(crate = "eventlatch_sdk::schemars")]
struct KeyField {
    /// Its name, in messages and wanted messages.
    field: String,
    /// What it is in JSON.
    #[serde(default)]
    kind: KeyKind,
    /// Lets wanted messages give a template, in which this name stands for the business date.
    #[serde(default)]
    template: Option<String>,
    /// The value of a wanted message that leaves the field out.
    #[serde(default)]
    default: Option<Value>,
}

#[derive(Clone, Copy, Debug, Default, serde::Deserialize, schemars::JsonSchema)]
#[serde(crate = "eventlatch_sdk::serde", rename_all = "snake_case")]
#[schemars(crate = "eventlatch_sdk::schemars")]
enum KeyKind {
    /// A string.
    #[default]
    Text,
    /// `true` or `false`.
    Boolean,
    /// A number without a fraction.
    Integer,
    /// Any number.
    Number,
    /// Any of the above.
    Scalar,
}

#[derive(Clone, Copy, Debug, PartialEq, serde::Deserialize, schemars::JsonSchema)]
#[serde(crate = "eventlatch_sdk::serde", rename_all = "snake_case")]
#[schemars(crate = "eventlatch_sdk::schemars")]
enum Rule {
    /// What happened must have happened on the business day on which its message arrived.
    SameBusinessDay,
    /// Equal keys are enough.
    None,
}

impl Config {
    pub(crate) fn into_fields(self) -> Result<Fields, Problems> {
        let empty = |name: &String| name.is_empty();
        if self.time.as_ref().is_some_and(empty) {
            return Err(Problem::of("time", "must not be empty; leave it out if messages have no event time").into());
        }
        let rule = self.rule.unwrap_or(if self.time.is_some() { Rule::SameBusinessDay } else { Rule::None });
        let mut fields = Fields::on(self.topic)
            .day_shift_seconds(self.day_shift_seconds)
            .partition_lag_days(self.partition_lag_days);
        for field in self.key {
            fields = fields.key(field.into());
        }
        for field in self.optional {
            fields = fields.optional(field.into());
        }
        if let Some(time) = self.time {
            fields = fields.time(time);
        }
        Ok(if rule == Rule::SameBusinessDay { fields.same_business_day() } else { fields })
    }
}

impl From<KeyField> for Field {
    fn from(field: KeyField) -> Self {
        let mut key = Self::new(field.field, field.kind.into());
        if let Some(name) = field.template {
            key = key.template(name);
        }
        match field.default {
            Some(value) => key.default(value),
            None => key,
        }
    }
}

impl From<KeyKind> for Kind {
    fn from(kind: KeyKind) -> Self {
        match kind {
            KeyKind::Text => Self::Text,
            KeyKind::Boolean => Self::Boolean,
            KeyKind::Integer => Self::Integer,
            KeyKind::Number => Self::Number,
            KeyKind::Scalar => Self::Scalar,
        }
    }
}
