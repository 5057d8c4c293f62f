//! `/livez`, `/readyz` and `/metrics`: for whoever watches over the process.

use std::sync::Arc;

use axum::{
    Json, Router,
    extract::State,
    http::{
        HeaderMap, StatusCode,
        header::{CONTENT_TYPE, HeaderName},
    },
    routing::get,
};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{Desk, config::Access, guard};
use crate::{pipeline::readiness::Readiness, telemetry::metrics};

/// What is open to everybody.
pub(super) fn open() -> Router<(Desk, Arc<Access>)> {
    Router::new().route("/livez", get(live)).route("/readyz", get(ready))
}

/// Of an instance that waits for another one's end.
pub(super) fn of_standby() -> Router {
    let ready = || async { (StatusCode::SERVICE_UNAVAILABLE, Json(Readiness::of_standby())) };
    Router::new().route("/livez", get(live)).route("/readyz", get(ready))
}

pub(super) fn routes() -> OpenApiRouter<Desk> {
    OpenApiRouter::new().routes(routes!(measured))
}

/// As long as the process answers.
#[utoipa::path(get, path = "/livez", tag = "service", responses((status = 200, body = String, content_type = "text/plain")))]
pub(super) async fn live() -> &'static str {
    "ok\n"
}

/// Whether the service does its work, part by part. Who knows no token is not told what is wrong.
#[utoipa::path(get, path = "/readyz", tag = "service", responses(
    (status = 200, description = "It reads and records. Parts may be degraded.", body = Readiness),
    (status = 503, description = "A part fails.", body = Readiness, content_type = "application/json"),
))]
pub(super) async fn ready(
    State((desk, access)): State<(Desk, Arc<Access>)>,
    headers: HeaderMap,
) -> (StatusCode, Json<Readiness>) {
    let mut readiness = desk.handle.readiness().await;
    if guard::refused(&access, &headers, true).is_some() {
        readiness.parts.iter_mut().for_each(|part| part.problems.clear());
    }
    let status = if readiness.ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(readiness))
}

/// What is counted, as Prometheus reads it.
#[utoipa::path(get, path = "/metrics", tag = "service", responses((status = 200, body = String, content_type = "text/plain")))]
async fn measured(State(desk): State<Desk>) -> ([(HeaderName, &'static str); 1], String) {
    desk.handle.measure().await;
    ([(CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], metrics::rendered())
}
