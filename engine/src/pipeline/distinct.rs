//! What is counted where a wanted message counts different values: these fields of the message.
//!
//! Which fields they are travels with the matcher's token, behind it, so that a table needs no more than it has.

use serde_json::{Map, Value};

/// A token with fields behind it: their names as JSON, and how long that is.
pub(super) fn with_fields(token: &[u8], fields: &str) -> Vec<u8> {
    let length = (fields.len() as u32).to_le_bytes();
    [token, fields.as_bytes(), &length].concat()
}

/// Takes the two apart.
pub(super) fn split(token: &[u8]) -> (&[u8], &[u8]) {
    let Some((rest, length)) = token.split_last_chunk() else { return (token, &[]) };
    rest.split_at(rest.len().saturating_sub(u32::from_le_bytes(*length) as usize))
}

/// The values of fields in a message, as JSON. A field that is not there, or of a message that is no object, is null.
pub(super) fn values(fields: &[u8], message: Option<&[u8]>) -> String {
    let fields: Vec<String> = serde_json::from_slice(fields).unwrap_or_default();
    let mut message: Map<String, Value> =
        message.and_then(|message| serde_json::from_slice(message).ok()).unwrap_or_default();
    let values = fields.iter().map(|field| message.remove(field).unwrap_or_default());
    Value::from_iter(values).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_comes_apart_as_it_was_put_together() {
        let fields = r#"["region"]"#;
        for token in [b"".as_slice(), b"token"] {
            assert_eq!(split(&with_fields(token, fields)), (token, fields.as_bytes()));
        }
    }

    #[test]
    fn values_are_those_of_the_message() {
        let check = |message: Option<&str>, values: &str| {
            assert_eq!(super::values(br#"["a", "b"]"#, message.map(str::as_bytes)), values);
        };
        check(Some(r#"{"b": {"x": 1.50}, "a": "1", "c": 0}"#), r#"["1",{"x":1.5}]"#);
        check(Some(r#"{"a": 1}"#), "[1,null]");
        check(Some("no JSON"), "[null,null]");
        check(None, "[null,null]");
    }
}
