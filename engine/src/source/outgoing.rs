//! Messages written as JSON, one on a line: what `send` sends and what a source without Kafka reads.

use std::collections::BTreeMap;

use bytes::Bytes;
use jiff::Timestamp;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use crate::domain::message::Header;

/// A message for a topic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outgoing {
    pub topic: String,
    pub key: Option<Bytes>,
    /// None is a tombstone.
    pub value: Option<Bytes>,
    pub headers: Vec<Header>,
    /// None: whoever takes the message sets it.
    pub timestamp: Option<Timestamp>,
}

/// Why a line is no message.
#[derive(Debug, thiserror::Error)]
pub enum LineError {
    #[error("this is not a message ({0}): write {{\"topic\": \"…\", \"value\": …}}")]
    Json(String),
    #[error("this is not UTF-8: a line is JSON, also where the message is not")]
    Encoding,
    #[error("a message has either a `value` (JSON, null for a tombstone) or a `raw` text")]
    Value,
    #[error("`timestamp` is neither a time as \"2026-01-31T00:00:00Z\" nor milliseconds since 1970")]
    Timestamp,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    topic: String,
    #[serde(default, deserialize_with = "present")]
    value: Option<Value>,
    raw: Option<String>,
    key: Option<String>,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    timestamp: Option<Value>,
}

/// Tells `null` from absent.
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(deserializer).map(Some)
}

impl Outgoing {
    /// Reads one line: `{"topic": "…", "value": any JSON}` or `{"topic": "…", "raw": "text"}`, with a `key`, `headers`
    /// and a `timestamp` (RFC 3339 or milliseconds) if it should have them. A `value` is sent as compact JSON with
    /// sorted keys; `raw` is sent to the byte.
    pub fn parse(line: &str) -> Result<Self, LineError> {
        let Line { topic, value, raw, key, headers, timestamp } = serde_json::from_str(line)
            .map_err(|error| LineError::Json(error.to_string().replace(" at line 1 column ", " in column ")))?;
        let value = match (value, raw) {
            (Some(Value::Null), None) => None,
            (Some(value), None) => Some(value.to_string().into()),
            (None, Some(raw)) => Some(raw.into()),
            _ => return Err(LineError::Value),
        };
        let headers = headers.into_iter().map(|(name, value)| Header { name, value: value.into_bytes() }).collect();
        let timestamp = timestamp.map(|timestamp| time(&timestamp).ok_or(LineError::Timestamp)).transpose()?;
        Ok(Self { topic, key: key.map(Bytes::from), value, headers, timestamp })
    }
}

fn time(value: &Value) -> Option<Timestamp> {
    match value {
        Value::String(text) => text.parse().ok(),
        Value::Number(number) => Timestamp::from_millisecond(number.as_i64()?).ok(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(line: &str, value: Option<&str>) {
        let message = Outgoing::parse(line).unwrap();
        assert_eq!(message.value.as_deref(), value.map(str::as_bytes), "{line}");
    }

    fn refused(line: &str, expected: &str) {
        let error = Outgoing::parse(line).unwrap_err();
        assert!(error.to_string().contains(expected), "{error}");
    }

    #[test]
    fn values_texts_and_tombstones() {
        check(r#"{"topic": "t", "value": {"b": 1, "a": [true]}}"#, Some(r#"{"a":[true],"b":1}"#));
        check(r#"{"topic": "t", "value": null}"#, None);
        check(r#"{"topic": "t", "value": ""}"#, Some(r#""""#));
        check(r#"{"topic": "t", "raw": ""}"#, Some(""));
    }

    #[test]
    fn times_in_both_spellings() {
        for time in ["\"2019-07-08T00:15:00Z\"", "1562544900000"] {
            let line =
                format!(r#"{{"topic": "t", "raw": "", "key": "k", "headers": {{"h": "v"}}, "timestamp": {time}}}"#);
            let message = Outgoing::parse(&line).unwrap();
            assert_eq!(message.timestamp.unwrap().to_string(), "2019-07-08T00:15:00Z");
            assert_eq!((message.key.unwrap(), message.headers.len()), (Bytes::from_static(b"k"), 1));
        }
    }

    #[test]
    fn what_is_no_message_is_refused() {
        refused("nonsense", "not a message (expected ident in column 2)");
        refused(r#"{"topic": "t", "value": 1, "valeu": 2}"#, "not a message");
        refused(r#"{"topic": "t"}"#, "either a `value`");
        refused(r#"{"topic": "t", "raw": "", "value": 1}"#, "either a `value`");
        refused(r#"{"topic": "t", "raw": "", "timestamp": "now"}"#, "`timestamp`");
    }
}
