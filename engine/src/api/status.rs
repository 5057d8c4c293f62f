//! `/v1/status`: what has come in the current windows, and what is missing.

use axum::{
    Json,
    extract::{
        Path, Query, State,
        rejection::{PathRejection, QueryRejection},
    },
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{Desk, paging, problem::Problem, sensors};
use crate::pipeline::{defining::SensorStatus, handle::Handle};

pub(super) fn routes() -> OpenApiRouter<Desk> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(show))
}

/// Which page of a list by name is meant.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Wished {
    /// After the one of this name: `next_after` of the page before.
    pub(super) after: Option<String>,
    #[param(minimum = 1, maximum = 1000)]
    pub(super) limit: Option<usize>,
}

/// How sensors stand, by name.
#[derive(Debug, Serialize, ToSchema)]
pub struct StatusPage {
    pub sensors: Vec<SensorStatus>,
    /// What to give as `after` for the next page. None: this was the last one.
    pub next_after: Option<String>,
}

/// How sensors stand in the current windows.
#[utoipa::path(get, path = "/status", tag = "sensors", params(Wished), responses((status = 200, body = StatusPage)))]
async fn list(
    State(handle): State<Handle>,
    wished: Result<Query<Wished>, QueryRejection>,
) -> Result<Json<StatusPage>, Problem> {
    let Query(Wished { after, limit }) = wished?;
    let limit = paging::limit(limit)?;
    let sensors = handle.status(after, limit).await?;
    let next_after = sensors.last().map(|last| last.name.clone()).filter(|_| sensors.len() == limit);
    Ok(Json(StatusPage { sensors, next_after }))
}

/// How one sensor stands in the current windows.
#[utoipa::path(get, path = "/sensors/{name}/status", tag = "sensors", params(("name" = String, Path)), responses(
    (status = 200, body = SensorStatus),
    (status = 404, description = "no-such-sensor"),
))]
async fn show(
    State(handle): State<Handle>,
    name: Result<Path<String>, PathRejection>,
) -> Result<Json<SensorStatus>, Problem> {
    let Path(name) = name?;
    let status = handle.sensor_status(&name).await?;
    status.map(Json).ok_or_else(|| sensors::missing(&name))
}
