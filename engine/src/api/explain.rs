//! `/v1/sensors/{name}/explain` and `/v1/explain-message`: why a wait still waits, and what one message would do.

use axum::{
    Json, Router,
    extract::{
        Path, Query, State,
        rejection::{JsonRejection, PathRejection, QueryRejection},
    },
    routing::{get, post},
};
use serde::Deserialize;
use serde_json::Value;

use super::problem::{Problem, ProblemKind};
use crate::{
    domain::explanation::{Explanation, MessageExplanation, Question, Unexplained},
    pipeline::{explaining::message::MessageError, handle::Handle},
};

pub(super) fn routes() -> Router<Handle> {
    Router::new().route("/sensors/{name}/explain", get(explain)).route("/explain-message", post(explain_message))
}

/// What `GET /v1/sensors/{name}/explain` takes.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    task_id: Option<String>,
    wait: Option<String>,
}

async fn explain(
    State(handle): State<Handle>,
    name: Result<Path<String>, PathRejection>,
    asked: Result<Query<Asked>, QueryRejection>,
) -> Result<Json<Explanation>, Problem> {
    let (Path(sensor), Query(Asked { task_id, wait })) = (name?, asked?);
    Ok(Json(handle.explain(Question { sensor, task_id, wait }).await??))
}

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
