//! `/v1/matches`: which message fulfilled what.

use axum::{
    Json,
    extract::{Query, State, rejection::QueryRejection},
};
use jiff::{Timestamp, civil::Date};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{Desk, paging, problem::Problem};
use crate::{
    domain::matched::{MatchFilter, MatchId, StoredMatch},
    pipeline::handle::Handle,
};

pub(super) fn routes() -> OpenApiRouter<Desk> {
    OpenApiRouter::new().routes(routes!(list))
}

/// Which matches are meant.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Wished {
    sensor: Option<String>,
    task_id: Option<String>,
    topic: Option<String>,
    /// The business date of the arrival.
    #[param(value_type = Option<String>, format = Date)]
    business_date: Option<Date>,
    /// The first arrival that is meant.
    #[param(value_type = Option<String>, format = DateTime)]
    since: Option<Timestamp>,
    /// The first arrival that is not meant any more.
    #[param(value_type = Option<String>, format = DateTime)]
    until: Option<Timestamp>,
    /// Older than this one: `next_before` of the page before.
    #[param(value_type = Option<i64>)]
    before: Option<MatchId>,
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<usize>,
}

/// The newest matches, older than one.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct MatchPage {
    pub matches: Vec<StoredMatch>,
    /// What to give as `before` for the next page. None: this was the last one.
    pub next_before: Option<MatchId>,
}

/// Lists matches, the newest first.
#[utoipa::path(get, path = "/matches", tag = "matches", params(Wished), responses((status = 200, body = MatchPage)))]
async fn list(
    State(handle): State<Handle>,
    wished: Result<Query<Wished>, QueryRejection>,
) -> Result<Json<MatchPage>, Problem> {
    let Query(Wished { sensor, task_id, topic, business_date, since, until, before, limit }) = wished?;
    let limit = paging::limit(limit)?;
    let filter = MatchFilter { sensor, task_id, topic, business_date, since, until };
    let matches = handle.matches(filter, before, limit).await?;
    let next_before = matches.last().map(|last| last.id).filter(|_| matches.len() == limit);
    Ok(Json(MatchPage { matches, next_before }))
}
