//! How the OpenAPI document describes definitions. What a request says is read key by key by `domain::definition` and
//! `domain::terms`, so that a mistake is told with its place: no type here is ever read or written.

use serde_json::Value;
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{RefOr, schema::Schema},
};

/// JSON Schemas, by name.
const SCHEMAS: &str = include_str!("definition.json");

macro_rules! described {
    ($($name:ident: $shown:literal,)*) => {
        $(pub(in crate::api) struct $name;

        impl PartialSchema for $name {
            fn schema() -> RefOr<Schema> {
                let all: Value = serde_json::from_str(SCHEMAS).unwrap_or_default();
                let schema = serde_json::from_value(all[$shown].clone());
                schema.map_or_else(|_| Schema::default().into(), RefOr::T)
            }
        }

        impl ToSchema for $name {
            fn name() -> std::borrow::Cow<'static, str> {
                $shown.into()
            }
        })*
    };
}

described! {
    Definition: "SensorDefinition",
    TimeoutTerm: "Timeout",
    OnTimeoutWord: "OnTimeout",
    LateWord: "Late",
}
