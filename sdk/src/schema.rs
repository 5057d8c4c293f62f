//! JSON Schemas, and decoding that names the field at fault.

use schemars::{JsonSchema, schema_for};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::bindings::exports::eventlatch::matcher::guest;
use crate::{Problem, Problems};

/// Decodes a configuration.
pub(crate) fn decode_config<T: DeserializeOwned + JsonSchema>(json: &str) -> Result<T, Problems> {
    decode(json, &schema_for!(T).to_value())
}

/// Decodes a JSON object whose fields a schema knows.
pub(crate) fn decode<T: DeserializeOwned>(json: &str, schema: &Value) -> Result<T, Problems> {
    let object: Map<String, Value> =
        serde_json::from_str(json).map_err(|error| Problem::new(format!("not a JSON object: {error}")))?;
    if let Some(known) = known_fields(schema) {
        Problems::check(unknown_fields(&object, &known))?;
    }
    // From the text again: what comes out of a `Value` has no line and column to tell.
    serde_json::from_str(json).map_err(|error| Problem::new(error.to_string()).into())
}

/// The fields an object may have; none if the schema leaves it open.
fn known_fields(schema: &Value) -> Option<Vec<&str>> {
    let open = ["anyOf", "oneOf", "allOf", "$ref", "patternProperties"].iter().any(|key| schema.get(key).is_some());
    let closed = matches!(schema.get("additionalProperties"), None | Some(Value::Bool(false)));
    if open || !closed {
        return None;
    }
    let properties = schema.get("properties").and_then(Value::as_object);
    Some(properties.map(|properties| properties.keys().map(String::as_str).collect()).unwrap_or_default())
}

/// A problem for each field that is not among the known ones.
pub(crate) fn unknown_fields(object: &Map<String, Value>, known: &[&str]) -> Vec<Problem> {
    let unknown = object.keys().filter(|name| !known.contains(&name.as_str()));
    unknown.map(|name| Problem::of(name, format!("unknown field; {}", known_text(known)))).collect()
}

fn known_text(known: &[&str]) -> String {
    if known.is_empty() {
        return "there are none to be set".to_owned();
    }
    let names: Vec<_> = known.iter().map(|name| format!("`{name}`")).collect();
    format!("known: {}", names.join(", "))
}

/// What a JSON value is, for people.
pub(crate) fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

/// Problems in the interface's type.
pub(crate) fn export(problems: Problems) -> Vec<guest::Problem> {
    problems.into_vec().into_iter().map(Into::into).collect()
}

/// The first problem, where the interface has room for one.
pub(crate) fn first(problems: Problems, otherwise: &str) -> guest::Problem {
    let first = problems.into_vec().into_iter().next();
    first.unwrap_or_else(|| Problem::new(otherwise)).into()
}
