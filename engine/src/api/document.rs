//! The OpenAPI document: what stands beside the handlers, and what is the same for all of them.

use serde_json::{Map, Value, json};
use utoipa::{
    OpenApi,
    openapi::{
        self,
        security::{Http, HttpAuthScheme, SecurityRequirement, SecurityScheme},
    },
};

use super::{
    health,
    problem::{Problem, ProblemKind},
};

#[derive(OpenApi)]
#[openapi(
    info(title = "eventlatch", description = "Waits for Kafka messages so that no workflow task has to."),
    paths(health::live, health::ready),
    components(schemas(Problem))
)]
struct Head;

/// The document without any route under `/v1`.
pub(super) fn head() -> openapi::OpenApi {
    let mut head = Head::openapi();
    let bearer = SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer));
    head.components.get_or_insert_default().add_security_scheme("token", bearer);
    let nobody = SecurityRequirement::default();
    head.security = Some(vec![SecurityRequirement::new("token", [""; 0]), nobody]);
    head
}

/// The document with the problems that every route may answer with.
pub(super) fn finished(document: openapi::OpenApi) -> Value {
    let mut document = serde_json::to_value(document).unwrap_or_default();
    let paths = document["paths"].as_object_mut().into_iter().flat_map(Map::iter_mut);
    for (path, methods) in paths {
        for operation in methods.as_object_mut().into_iter().flat_map(Map::values_mut) {
            parameters_are_never_null(operation);
            let open = ["/livez", "/readyz"].contains(&path.as_str());
            if !open {
                add_problems(operation);
            }
        }
    }
    for schema in document["components"]["schemas"].as_object_mut().into_iter().flat_map(Map::values_mut) {
        let is_closed = schema["type"] == "object" && schema.get("additionalProperties").is_none();
        if is_closed && schema.get("properties").is_some() {
            schema["additionalProperties"] = json!(false);
        }
    }
    document
}

/// In a query or a path nothing is `null`: it is there or not.
fn parameters_are_never_null(operation: &mut Value) {
    for parameter in operation.get_mut("parameters").and_then(Value::as_array_mut).into_iter().flatten() {
        let Some(schema) = parameter.get_mut("schema") else { continue };
        let some = |all: &Value| {
            all.as_array()?.iter().find(|it| *it != "null" && it.get("type") != Some(&json!("null"))).cloned()
        };
        if let Some(one) = schema.get("type").and_then(some) {
            schema["type"] = one;
        } else if let Some(one) = schema.get("oneOf").and_then(some) {
            *schema = one;
        }
    }
}

fn add_problems(operation: &mut Value) {
    let has_body = operation.get("requestBody").is_some();
    let has_parameters = operation.get("parameters").is_some_and(|all| all.as_array().is_some_and(|it| !it.is_empty()));
    let mut kinds = vec![
        ProblemKind::Unauthorized,
        ProblemKind::Forbidden,
        ProblemKind::TooManyRequests,
        ProblemKind::Internal,
        ProblemKind::StoreUnavailable,
    ];
    if has_body || has_parameters {
        kinds.push(ProblemKind::BadRequest);
    }
    if has_body {
        kinds.extend([ProblemKind::TooLarge, ProblemKind::NotJson]);
    }
    let responses = &mut operation["responses"];
    for kind in kinds {
        let response = &mut responses[kind.status().as_str()];
        if response.is_null() {
            *response = json!({"description": kind.title()});
        }
    }
    for (status, response) in responses.as_object_mut().into_iter().flatten() {
        if status.starts_with(['4', '5']) && response.get("content").is_none() {
            let problem = json!({"schema": {"$ref": "#/components/schemas/Problem"}});
            response["content"] = json!({"application/problem+json": problem});
        }
    }
}
