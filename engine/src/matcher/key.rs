//! Keys for people: the fields of which a key is made.
//!
//! To the host a key is a string of bytes. The SDKs write it as a list of fields, each with a tag, its length and its bytes
//! (`sdk/src/key.rs`); what is not written so is shown as what it is.

use serde_json::{Number, Value};

/// A key as JSON: the list of its fields, `null` for one that stands for "any". One that no SDK has written is its text, or
/// its bytes in hexadecimal.
pub fn shown(key: &[u8]) -> Value {
    match fields(key) {
        Some(fields) => Value::Array(fields),
        None => Value::String(foreign(key)),
    }
}

fn foreign(key: &[u8]) -> String {
    let hex = || key.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    std::str::from_utf8(key).map_or_else(|_| format!("0x{}", hex()), str::to_owned)
}

fn fields(mut rest: &[u8]) -> Option<Vec<Value>> {
    let mut fields = Vec::new();
    while !rest.is_empty() {
        let (tag, after) = rest.split_first()?;
        let (length, after) = after.split_first_chunk()?;
        let (bytes, after) = after.split_at_checked(u32::from_le_bytes(*length) as usize)?;
        fields.push(field(*tag, bytes)?);
        rest = after;
    }
    Some(fields)
}

fn field(tag: u8, bytes: &[u8]) -> Option<Value> {
    match tag {
        0 => bytes.is_empty().then_some(Value::Null),
        1 => Some(std::str::from_utf8(bytes).ok()?.into()),
        2 => Some((bytes != [0]).into()),
        3 => Some(i64::from_le_bytes(bytes.try_into().ok()?).into()),
        4 => Some(u64::from_le_bytes(bytes.try_into().ok()?).into()),
        5 => Number::from_f64(f64::from_le_bytes(bytes.try_into().ok()?)).map(Value::Number),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn field(tag: u8, bytes: &[u8]) -> Vec<u8> {
        [&[tag][..], &(bytes.len() as u32).to_le_bytes(), bytes].concat()
    }

    #[test]
    fn fields_are_shown_with_their_types() {
        let key = [
            field(1, "o-17".as_bytes()),
            field(0, &[]),
            field(2, &[1]),
            field(3, &(-7i64).to_le_bytes()),
            field(4, &u64::MAX.to_le_bytes()),
            field(5, &1.5f64.to_le_bytes()),
        ];
        assert_eq!(shown(&key.concat()), json!(["o-17", null, true, -7, u64::MAX, 1.5]));
        assert_eq!(shown(&[]), json!([]));
    }

    #[test]
    fn keys_of_strangers_are_shown_as_they_are() {
        assert_eq!(shown(b"plain"), json!("plain"));
        assert_eq!(shown(&[1, 0xff]), json!("0x01ff"));
        assert_eq!(shown(&field(9, b"x")), json!("\t\u{1}\0\0\0x"));
    }
}
