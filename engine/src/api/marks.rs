//! `/v1/marks`: what is to be told to the outside, when it is tried again and why it was not taken.

use axum::{
    Json,
    extract::{
        Query, State,
        rejection::{JsonRejection, QueryRejection},
    },
    http::HeaderMap,
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    Desk, guard,
    object::Object,
    paging,
    problem::{Problem, ProblemKind},
};
use crate::{
    domain::{
        mark::MarkId,
        outbox::{MarkFilter, MarkStatus, StoredMark},
    },
    pipeline::handle::Handle,
};

pub(super) fn routes() -> OpenApiRouter<Desk> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(retry))
}

/// Which marks are meant.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Wished {
    status: Option<MarkStatus>,
    sensor: Option<String>,
    /// Older than this one: `next_before` of the page before.
    #[param(value_type = Option<i64>)]
    before: Option<MarkId>,
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<usize>,
}

/// The newest marks, older than one.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct MarkPage {
    pub marks: Vec<StoredMark>,
    /// What to give as `before` for the next page. None: this was the last one.
    pub next_before: Option<MarkId>,
}

/// Which marks to try again.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RetryRequest {
    #[schema(min_items = 1, max_items = 1000)]
    pub ids: Vec<MarkId>,
}

/// What came of it.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct RetryAnswer {
    /// Those that are tried again. The others are delivered, had their place taken by a newer state, or are not there.
    pub retried: Vec<MarkId>,
}

/// Lists marks, the newest first.
#[utoipa::path(get, path = "/marks", tag = "marks", params(Wished), responses((status = 200, body = MarkPage)))]
async fn list(
    State(handle): State<Handle>,
    wished: Result<Query<Wished>, QueryRejection>,
) -> Result<Json<MarkPage>, Problem> {
    let Query(Wished { status, sensor, before, limit }) = wished?;
    let limit = paging::limit(limit)?;
    let marks = handle.marks(MarkFilter { status, sensor }, before, limit).await?;
    let next_before = marks.last().map(|last| last.id).filter(|_| marks.len() == limit);
    Ok(Json(MarkPage { marks, next_before }))
}

/// Has marks tried again at once, also those that were rejected.
#[utoipa::path(post, path = "/marks/retry", tag = "marks", request_body = RetryRequest, responses(
    (status = 200, body = RetryAnswer),
    (status = 400, description = "bad-request"),
))]
async fn retry(
    State(handle): State<Handle>,
    headers: HeaderMap,
    request: Result<Json<Object<RetryRequest>>, JsonRejection>,
) -> Result<Json<RetryAnswer>, Problem> {
    let Json(Object(RetryRequest { ids })) = request?;
    if ids.is_empty() || ids.len() > paging::LIMIT {
        let problem = format!("{} ids at a time: it must be 1 to {}", ids.len(), paging::LIMIT);
        return Err(Problem::new(ProblemKind::BadRequest, problem));
    }
    let retried = handle.retry_marks(ids, guard::actor(&headers)).await?;
    Ok(Json(RetryAnswer { retried }))
}
