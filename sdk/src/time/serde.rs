//! `EventTime` as a field of a message type.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::de::{Deserialize, Deserializer, Error, Visitor};

use super::{EventTime, from_float, from_seconds, from_text};

impl<'de> Deserialize<'de> for EventTime {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TimeVisitor)
    }
}

struct TimeVisitor;

impl Visitor<'_> for TimeVisitor {
    type Value = EventTime;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("epoch seconds, `YYYY-MM-DD HH:MM:SS` or RFC 3339")
    }

    fn visit_i64<E: Error>(self, seconds: i64) -> Result<EventTime, E> {
        from_seconds(seconds).map_err(E::custom)
    }

    fn visit_u64<E: Error>(self, seconds: u64) -> Result<EventTime, E> {
        // What does not fit is refused as too large, as it is.
        from_seconds(i64::try_from(seconds).unwrap_or(i64::MAX)).map_err(E::custom)
    }

    fn visit_f64<E: Error>(self, seconds: f64) -> Result<EventTime, E> {
        from_float(seconds).map_err(E::custom)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<EventTime, E> {
        from_text(text.as_bytes()).map_err(E::custom)
    }
}

impl JsonSchema for EventTime {
    fn schema_name() -> Cow<'static, str> {
        "EventTime".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        schema().try_into().unwrap_or_default()
    }
}

/// The JSON Schema of a field with an event time.
pub(crate) fn schema() -> serde_json::Value {
    serde_json::json!({
        "type": ["number", "string"],
        "description": "epoch seconds, `YYYY-MM-DD HH:MM:SS` in the sensor's zone, or RFC 3339"
    })
}
