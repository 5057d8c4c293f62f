//! Messages made up from what a wanted message wants and what its matcher's schema says of messages.

use jiff::Zoned;
use serde_json::{Map, Value};

/// A message with the fields of a rendering, and the other ones that the schema asks for.
pub(super) fn of(rendered: Map<String, Value>, schema: &Value, at: &Zoned) -> Value {
    let mut message = rendered;
    let property = |name: &str| schema.get("properties").and_then(|properties| properties.get(name));
    for name in schema.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str) {
        message.entry(name).or_insert_with(|| value(name, property(name).unwrap_or(&Value::Null), at));
    }
    Value::Object(message)
}

/// The n-th of messages that differ in some fields.
pub(super) fn numbered(message: &Value, fields: &[String], number: u32) -> Value {
    let mut message = message.clone();
    for field in fields {
        let value = match &message[field.as_str()] {
            Value::String(text) => format!("{text}{number}").into(),
            _ => number.into(),
        };
        message[field.as_str()] = value;
    }
    message
}

/// Something that a schema allows.
fn value(name: &str, schema: &Value, at: &Zoned) -> Value {
    let given = ["const", "default"].into_iter().find_map(|key| schema.get(key));
    let listed = ["enum", "examples"].into_iter().find_map(|key| schema.get(key)?.get(0));
    if let Some(value) = given.or(listed) {
        return value.clone();
    }
    let is = |kind: &str| match schema.get("type") {
        Some(Value::Array(kinds)) => kinds.iter().any(|it| it == kind),
        Some(only) => only == kind,
        None => true,
    };
    let is_time = ["time", "_at", "date"].iter().any(|part| name.contains(part));
    match () {
        () if is("string") && is_time => at.strftime("%Y-%m-%dT%H:%M:%S%:z").to_string().into(),
        () if is("string") => "x".into(),
        () if is("integer") || is("number") => if is_time { at.timestamp().as_second() } else { 1 }.into(),
        () if is("boolean") => true.into(),
        () => Value::Null,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_wanted_is_there_and_the_rest_is_made_up() {
        let schema = json!({
            "properties": {
                "db": {"type": "string"}, "ok": {"type": "boolean"}, "n": {"type": "integer"},
                "kind": {"enum": ["full", "part"]}, "timestamp": {"type": ["number", "string"]}, "more": {"type": "string"}
            },
            "required": ["db", "ok", "n", "kind", "timestamp"]
        });
        let at: Zoned = "2019-07-07T12:00:00+08:00[Asia/Taipei]".parse().unwrap();
        let message = of(Map::from_iter([("db".to_owned(), json!("db0"))]), &schema, &at);
        let expected =
            json!({"db": "db0", "ok": true, "n": 1, "kind": "full", "timestamp": "2019-07-07T12:00:00+08:00"});
        assert_eq!(message, expected);
    }

    #[test]
    fn several_differ_where_they_should() {
        let message = json!({"a": "x", "b": 1});
        let second = numbered(&message, &["a".to_owned(), "c".to_owned()], 2);
        assert_eq!(second, json!({"a": "x2", "b": 1, "c": 2}));
    }
}
