//! What people decide by hand: on a task of a wait, and whether a sensor is paused.

use axum::{
    Json,
    extract::{
        Path, Query, State,
        rejection::{JsonRejection, PathRejection, QueryRejection},
    },
    http::{HeaderMap, StatusCode},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    Desk, guard,
    object::Object,
    problem::{Problem, ProblemKind},
    sensors,
    waits::{Reason, checked_reason},
};
use crate::{
    domain::{
        handling::{HandledTask, Handling, HandlingError},
        wait::WaitDetail,
    },
    pipeline::handle::Handle,
};

pub(super) fn routes() -> OpenApiRouter<Desk> {
    OpenApiRouter::new().routes(routes!(decide)).routes(routes!(pause)).routes(routes!(resume))
}

/// A decision on a task.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Decision {
    /// `mark`: it is as good as received. `unmark`: what was received or decided until now does not count. `skip`: nobody
    /// waits for it.
    decision: Handling,
    /// Why, for the audit.
    #[serde(default)]
    #[schema(max_length = 1000)]
    reason: Option<String>,
}

/// Decides on a task of a wait.
#[utoipa::path(post, path = "/sensors/{name}/waits/{wait}/tasks/{task_id}", tag = "acts",
    params(("name" = String, Path), ("wait" = String, Path), ("task_id" = String, Path)),
    request_body = Decision,
    responses(
        (status = 200, body = WaitDetail),
        (status = 404, description = "no-such-sensor, no-such-wait or no-such-task"),
        (status = 409, description = "wait-cancelled"),
    ))]
async fn decide(
    State(handle): State<Handle>,
    headers: HeaderMap,
    names: Result<Path<(String, String, String)>, PathRejection>,
    decision: Result<Json<Object<Decision>>, JsonRejection>,
) -> Result<Json<WaitDetail>, Problem> {
    let (Path((sensor, wait, task_id)), Json(Object(Decision { decision: handling, reason }))) = (names?, decision?);
    let reason = checked_reason(reason)?;
    let task = HandledTask { sensor: sensor.clone(), wait: wait.clone(), task_id, handling, reason };
    handle.handle_task(task, guard::actor(&headers)).await??;
    let gone = || HandlingError::NoSuchWait { sensor: sensor.clone(), wait: wait.clone() }.into();
    handle.wait(&sensor, &wait).await?.map(Json).ok_or_else(gone)
}

type Name = Result<Path<String>, PathRejection>;
type Why = Result<Query<Reason>, QueryRejection>;

/// Pauses a sensor: messages are recorded, and none of its waits opens or ends.
#[utoipa::path(put, path = "/sensors/{name}/pause", tag = "acts", params(("name" = String, Path), Reason), responses(
    (status = 204, description = "paused"),
    (status = 404, description = "no-such-sensor"),
))]
async fn pause(State(handle): State<Handle>, headers: HeaderMap, name: Name, why: Why) -> Result<StatusCode, Problem> {
    set_paused(handle, headers, name, why, true).await
}

/// Lets a sensor go on: its waits are judged by what came meanwhile.
#[utoipa::path(delete, path = "/sensors/{name}/pause", tag = "acts", params(("name" = String, Path), Reason), responses(
    (status = 204, description = "it goes on"),
    (status = 404, description = "no-such-sensor"),
))]
async fn resume(State(handle): State<Handle>, headers: HeaderMap, name: Name, why: Why) -> Result<StatusCode, Problem> {
    set_paused(handle, headers, name, why, false).await
}

async fn set_paused(
    handle: Handle,
    headers: HeaderMap,
    name: Name,
    why: Why,
    paused: bool,
) -> Result<StatusCode, Problem> {
    let (Path(name), reason) = (name?, why?.0.checked()?);
    match handle.pause_sensor(name.clone(), paused, guard::actor(&headers), reason).await? {
        true => Ok(StatusCode::NO_CONTENT),
        false => Err(sensors::missing(&name)),
    }
}

impl From<HandlingError> for Problem {
    fn from(error: HandlingError) -> Self {
        let kind = match &error {
            HandlingError::NoSuchSensor(_) => ProblemKind::NoSuchSensor,
            HandlingError::NoSuchWait { .. } => ProblemKind::NoSuchWait,
            HandlingError::NoSuchTask { .. } => ProblemKind::NoSuchTask,
            HandlingError::Cancelled { .. } => ProblemKind::WaitCancelled,
        };
        Self::of(kind, &error)
    }
}
