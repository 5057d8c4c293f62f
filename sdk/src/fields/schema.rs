//! JSON Schemas of rules.

use serde_json::{Map, Value, json};

use super::{Field, Kind, Plan};

impl Plan {
    /// Of a wanted message's own fields.
    pub(crate) fn wanted_schema(&self) -> Value {
        let needed = |(index, field): &(usize, &Field)| !self.is_optional(*index) && field.default.is_none();
        let required: Vec<_> = self.fields.iter().enumerate().filter(needed).map(|(_, field)| &field.name).collect();
        let properties = self.fields.iter().enumerate();
        let properties =
            properties.map(|(index, field)| (field.name.clone(), wanted_field(field, self.is_optional(index))));
        json!({
            "type": "object",
            "properties": properties.collect::<Map<_, _>>(),
            "required": required,
            "additionalProperties": false,
        })
    }

    /// Of a message's value.
    pub(crate) fn message_schema(&self) -> Value {
        let mut properties: Map<_, _> =
            self.fields.iter().map(|field| (field.name.clone(), of_kind(field.kind))).collect();
        let mut required: Vec<_> = self.fields.iter().map(|field| &field.name).collect();
        if let Some(time) = &self.time {
            let schema = schemars::schema_for!(crate::EventTime).to_value();
            properties.insert(time.clone(), schema);
            required.push(time);
        }
        json!({ "type": "object", "properties": properties, "required": required })
    }
}

fn wanted_field(field: &Field, optional: bool) -> Value {
    let mut schema = of_kind(field.kind);
    let mut notes = Vec::new();
    if let Some(name) = &field.template {
        notes.push(format!("may be a template over the date `{name}`"));
    }
    if optional && field.default.is_none() {
        notes.push("left out: any value".to_owned());
    }
    if !notes.is_empty() {
        schema["description"] = notes.join("; ").into();
    }
    if let Some(default) = &field.default {
        schema["default"] = default.clone();
    }
    schema
}

fn of_kind(kind: Kind) -> Value {
    let name = match kind {
        Kind::Text => json!("string"),
        Kind::Boolean => json!("boolean"),
        Kind::Integer => json!("integer"),
        Kind::Number => json!("number"),
        Kind::Scalar => json!(["string", "number", "boolean"]),
    };
    json!({ "type": name })
}
