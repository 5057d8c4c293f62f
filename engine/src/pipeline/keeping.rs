//! What is kept of a message that is set aside: applied before anything is written.

use bytes::Bytes;
use serde::{Deserialize, de::Error as _};
use serde_json::Value;

use crate::domain::{
    dead_letter::{Forward, Kept, Sample},
    message::Message,
};

/// Stands where a value was.
const REDACTED: &str = "[redacted]";

/// `[dead_letters]`: what is kept of messages that are set aside.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Keeping {
    /// So many bytes of a payload are kept at most. Default: 4096.
    pub sample_bytes: usize,
    /// `"sample"` keeps the beginning of the payload, `"none"` only its size. Default: `"sample"`.
    pub payload: Part,
    /// The same for the message's key. Default: `"sample"`.
    pub key: Part,
    /// Fields whose values are replaced before anything is written, as `"customer.email"`; lists on the way are gone
    /// through. What is no JSON object or list is not kept at all then. Default: none.
    pub redact: Vec<FieldPath>,
    /// A topic in which messages that are set aside are published too, whole but for what may not be kept, with the cause in
    /// their headers. Default: none.
    pub topic: Option<String>,
}

/// What is kept of a key or of a payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Part {
    Sample,
    None,
}

impl Default for Keeping {
    fn default() -> Self {
        Self { sample_bytes: 4096, payload: Part::Sample, key: Part::Sample, redact: Vec::new(), topic: None }
    }
}

/// The names on the way to a field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldPath(Vec<String>);

impl<'de> Deserialize<'de> for FieldPath {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let names: Vec<_> = text.split('.').map(str::to_owned).collect();
        if names.iter().any(String::is_empty) {
            return Err(D::Error::custom(format_args!("`{text}` names no field (write \"customer.email\")")));
        }
        Ok(Self(names))
    }
}

impl Keeping {
    /// What is kept of a message, and its reason without the values that must not be shown.
    pub(super) fn keep(&self, message: &Message, mut reason: String) -> (Kept, String) {
        let mut removed = Vec::new();
        let sample = |bytes: Vec<u8>| Sample::of(&bytes, self.sample_bytes);
        let payload_size = message.value.as_ref().map(Bytes::len);
        let kept = Kept {
            key: self.part(self.key, message.key.as_deref(), &mut removed).map(sample),
            payload: self.part(self.payload, message.value.as_deref(), &mut removed).map(sample),
            payload_size,
        };
        // The longest first: one may be a part of another.
        removed.sort_by_key(|text| std::cmp::Reverse(text.len()));
        for text in removed.iter().filter(|text| !text.is_empty()) {
            reason = reason.replace(text, REDACTED);
        }
        (kept, reason)
    }

    /// What of a message goes to the topic of dead letters, if there is one.
    pub(super) fn forward(&self, message: &Message) -> Option<Box<Forward>> {
        let topic = self.topic.clone()?;
        let mut unused = Vec::new();
        let key = self.part(self.key, message.key.as_deref(), &mut unused);
        let value = self.part(self.payload, message.value.as_deref(), &mut unused);
        // Nobody has looked through headers.
        let is_free = self.redact.is_empty() && self.payload == Part::Sample;
        let headers = if is_free { message.headers.clone() } else { Vec::new() };
        Some(Box::new(Forward { topic, key, value, headers }))
    }

    /// What may be kept of a key or of a payload, however long it is.
    fn part(&self, part: Part, bytes: Option<&[u8]>, removed: &mut Vec<String>) -> Option<Vec<u8>> {
        let bytes = bytes?;
        if self.redact.is_empty() {
            return (part == Part::Sample).then(|| bytes.to_vec());
        }
        let mut value: Value =
            serde_json::from_slice(bytes).ok().filter(|it: &Value| it.is_object() || it.is_array())?;
        self.redact.iter().for_each(|path| redact(&mut value, &path.0, removed));
        (part == Part::Sample).then(|| value.to_string().into_bytes())
    }
}

/// Replaces the values at a path, and notes what they were.
fn redact(value: &mut Value, path: &[String], removed: &mut Vec<String>) {
    match (value, path) {
        (Value::Array(all), path) if !path.is_empty() => {
            all.iter_mut().for_each(|value| redact(value, path, removed));
        }
        (Value::Object(fields), [first, rest @ ..]) => {
            if let Some(value) = fields.get_mut(first) {
                redact(value, rest, removed);
            }
        }
        (value, []) => {
            texts(value, removed);
            *value = REDACTED.into();
        }
        _ => {}
    }
}

/// How the texts and numbers of a value read in somebody's reason.
fn texts(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::String(text) => found.push(text.clone()),
        Value::Number(number) => found.push(number.to_string()),
        Value::Array(all) => all.iter().for_each(|value| texts(value, found)),
        Value::Object(fields) => fields.values().for_each(|value| texts(value, found)),
        Value::Null | Value::Bool(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keep(config: &str, key: Option<&str>, value: &[u8], reason: &str) -> String {
        let keeping: Keeping = toml::from_str(config).unwrap();
        let message = Message {
            offset: 0,
            arrival: jiff::Timestamp::UNIX_EPOCH,
            key: key.map(|key| Bytes::copy_from_slice(key.as_bytes())),
            value: Some(Bytes::copy_from_slice(value)),
            headers: Vec::new(),
        };
        let (kept, reason) = keeping.keep(&message, reason.to_owned());
        let shown = |sample: &Option<Sample>| sample.as_ref().map_or("-".to_owned(), ToString::to_string);
        format!("{} {} {} {reason}", shown(&kept.key), shown(&kept.payload), kept.payload_size.unwrap())
    }

    #[test]
    fn parts_are_kept_as_configured() {
        assert_eq!(keep("", Some("k"), b"not JSON", "r"), "k not JSON 8 r");
        assert_eq!(keep("sample_bytes = 3", Some("key1"), b"not JSON", "r"), "key not 8 r");
        assert_eq!(keep("payload = \"none\"", Some("k"), b"not JSON", "r"), "k - 8 r");
        assert_eq!(keep("key = \"none\"", Some("k"), b"not JSON", "r"), "- not JSON 8 r");
    }

    #[test]
    fn values_are_replaced_wherever_their_path_leads() {
        let config = "redact = [\"customer.email\", \"cards.number\", \"absent.field\"]";
        let value =
            br#"{"customer": {"email": "a@b.c", "id": 7}, "cards": [{"number": 4711}, {"number": [1, "x"]}, 5]}"#;
        assert_eq!(
            keep(config, Some(r#"[{"customer": {"email": "d@e.f"}}]"#), value, "`a@b.c` with 4711 is no d@e.f"),
            r#"[{"customer":{"email":"[redacted]"}}] {"cards":[{"number":"[redacted]"},{"number":"[redacted]"},5],"customer":{"email":"[redacted]","id":7}} 95 `[redacted]` with [redacted] is no [redacted]"#
        );
    }

    #[test]
    fn what_goes_to_a_topic_is_whole_but_for_what_may_not_be_kept() {
        let header = crate::domain::message::Header { name: "h".to_owned(), value: b"v".to_vec() };
        let message = Message {
            offset: 0,
            arrival: jiff::Timestamp::UNIX_EPOCH,
            key: Some(Bytes::from_static(b"k")),
            value: Some(Bytes::from_static(br#"{"a": "secret", "b": 1}"#)),
            headers: vec![header],
        };
        let forward = |config: &str| toml::from_str::<Keeping>(config).unwrap().forward(&message);
        assert_eq!(forward(""), None);
        let whole = forward("topic = \"dead\"\nsample_bytes = 3").unwrap();
        assert_eq!((whole.key.as_deref(), whole.value.as_deref()), (message.key.as_deref(), message.value.as_deref()));
        assert_eq!(whole.headers, message.headers);
        let redacted = forward("topic = \"dead\"\nredact = [\"a\"]").unwrap();
        assert_eq!(redacted.value.as_deref(), Some(&br#"{"a":"[redacted]","b":1}"#[..]));
        assert_eq!((redacted.key, redacted.headers.len()), (None, 0));
        let bare = forward("topic = \"dead\"\npayload = \"none\"").unwrap();
        assert_eq!((bare.key.as_deref(), bare.value, bare.headers.len()), (Some(&b"k"[..]), None, 0));
    }

    #[test]
    fn what_cannot_be_looked_through_is_not_kept() {
        let config = "redact = [\"ssn\"]";
        for value in [&b"078-05-1120"[..], b"\"078-05-1120\"", b"{\"ssn\": \"078-05", b"\xff", b"78051120"] {
            assert_eq!(keep(config, Some("078-05-1120"), value, "r"), format!("- - {} r", value.len()));
        }
        assert_eq!(
            keep("redact = [\"ssn\"]\npayload = \"none\"", None, b"{\"ssn\": \"078\"}", "bad 078"),
            "- - 14 bad [redacted]"
        );
    }

    #[test]
    fn a_path_without_a_name_is_refused() {
        let error = toml::from_str::<Keeping>("redact = [\"a..b\"]").unwrap_err().to_string();
        assert!(error.contains("`a..b` names no field"), "{error}");
    }
}
