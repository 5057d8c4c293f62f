//! Wanted messages: check, fill in, and write the key.

use jiff::civil::Date;
use serde_json::{Map, Value};

use super::{Field, Plan, check::mismatch};
use crate::schema::unknown_fields;
use crate::{Problem, key};

/// A wanted message for one business date.
#[derive(Debug)]
pub(crate) struct Rendered {
    /// Its own fields as JSON, in the order of the rules.
    pub(crate) json: String,
    pub(crate) key: Vec<u8>,
}

impl Plan {
    /// Checks and renders a wanted message.
    pub(crate) fn prepare(&self, wanted: &str, on: Date) -> Result<Rendered, Problem> {
        let mut wanted: Map<String, Value> =
            serde_json::from_str(wanted).map_err(|error| Problem::new(format!("not a JSON object: {error}")))?;
        let mut rendered = Map::new();
        let mut key = Vec::with_capacity(64);
        for (index, field) in self.fields.iter().enumerate() {
            match wanted.remove(&field.name).or_else(|| field.default.clone()) {
                Some(value) => {
                    let value = self.render(field, value, on)?;
                    write_value(&mut key, &value);
                    rendered.insert(field.name.clone(), value);
                }
                None if self.is_optional(index) => key::write_any(&mut key),
                None => {
                    return Err(Problem::of(&field.name, format!("is missing; it must be {}", field.kind.text())));
                }
            }
        }
        match self.unknown(&wanted) {
            Some(problem) => Err(problem),
            None => Ok(Rendered { json: Value::Object(rendered).to_string(), key }),
        }
    }

    fn render(&self, field: &Field, value: Value, on: Date) -> Result<Value, Problem> {
        if let Some(problem) = mismatch(field.kind, &value) {
            return Err(Problem::of(&field.name, problem));
        }
        match (&field.template, value) {
            (Some(name), Value::String(text)) => {
                let rendered = self.templates.render(&text, name, on);
                rendered.map(Value::String).map_err(|problem| Problem::of(&field.name, problem))
            }
            (_, value) => Ok(value),
        }
    }

    /// A problem if anything is left of a wanted message that is no field of ours.
    fn unknown(&self, rest: &Map<String, Value>) -> Option<Problem> {
        if rest.is_empty() {
            return None;
        }
        let known: Vec<_> = self.fields.iter().map(|field| field.name.as_str()).collect();
        unknown_fields(rest, &known).into_iter().next()
    }
}

/// Adds a scalar to a key. Checked before, so there is nothing else.
fn write_value(key: &mut Vec<u8>, value: &Value) {
    match value {
        Value::String(text) => key::write_text(key, text.as_bytes()),
        Value::Bool(value) => key::write_boolean(key, *value),
        Value::Number(number) => key::write_number(key, number),
        Value::Null | Value::Array(_) | Value::Object(_) => key::write_any(key),
    }
}
