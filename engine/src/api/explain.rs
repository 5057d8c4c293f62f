//! `/v1/sensors/{name}/explain` and `/v1/explain-message`: why a wait still waits, and what one message would do.

use axum::{
    Json,
    extract::{
        Path, Query, State,
        rejection::{JsonRejection, PathRejection, QueryRejection},
    },
};
use serde::Deserialize;
use serde_json::Value;
use utoipa::IntoParams;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    Desk,
    problem::{Problem, ProblemKind},
};
use crate::{
    domain::explanation::{Explanation, MessageExplanation, Question, Unexplained},
    pipeline::{explaining::message::MessageError, handle::Handle},
};

pub(super) fn routes() -> OpenApiRouter<Desk> {
    OpenApiRouter::new().routes(routes!(explain)).routes(routes!(explain_message))
}

/// What `GET /v1/sensors/{name}/explain` takes.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Asked {
    task_id: Option<String>,
    wait: Option<String>,
}

/// Why a sensor, or a wait of it, still waits.
#[utoipa::path(get, path = "/sensors/{name}/explain", tag = "sensors", params(("name" = String, Path), Asked), responses(
    (status = 200, body = Explanation),
    (status = 404, description = "no-such-sensor, no-such-wait or no-such-task"),
))]
async fn explain(
    State(handle): State<Handle>,
    name: Result<Path<String>, PathRejection>,
    asked: Result<Query<Asked>, QueryRejection>,
) -> Result<Json<Explanation>, Problem> {
    let (Path(sensor), Query(Asked { task_id, wait })) = (name?, asked?);
    Ok(Json(handle.explain(Question { sensor, task_id, wait }).await??))
}

/// What one message would do. Nothing is recorded.
#[utoipa::path(post, path = "/explain-message", tag = "sensors", request_body = Value, responses(
    (status = 200, body = MessageExplanation),
))]
async fn explain_message(
    State(handle): State<Handle>,
    message: Result<Json<Value>, JsonRejection>,
) -> Result<Json<MessageExplanation>, Problem> {
    let Json(message) = message?;
    Ok(Json(handle.explain_message(&message.to_string()).await?))
}

impl From<Unexplained> for Problem {
    fn from(unexplained: Unexplained) -> Self {
        let kind = match &unexplained {
            Unexplained::NoSuchSensor(_) => ProblemKind::NoSuchSensor,
            Unexplained::NoSuchWait { .. } => ProblemKind::NoSuchWait,
            Unexplained::NoSuchTask { .. } => ProblemKind::NoSuchTask,
        };
        Self::of(kind, &unexplained)
    }
}

impl From<MessageError> for Problem {
    fn from(error: MessageError) -> Self {
        let kind = match &error {
            MessageError::NoMessage(_) => ProblemKind::BadRequest,
            MessageError::Store(_) | MessageError::Render(_) => ProblemKind::StoreUnavailable,
        };
        Self::of(kind, &error)
    }
}
