//! `/v1/partitions`: how far each was read, those that stand still released, and one read from another place.

use axum::{
    Json,
    extract::{
        Path, Query, State,
        rejection::{JsonRejection, PathRejection, QueryRejection},
    },
    http::HeaderMap,
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    Desk, guard,
    problem::{Problem, ProblemKind},
    waits::{Reason, checked_reason},
};
use crate::{
    domain::partition::{PartitionStatus, Release},
    pipeline::{
        handle::Handle,
        partitions::ReleaseError,
        resetting::{ResetError, ResetTo},
    },
};

pub(super) fn routes() -> OpenApiRouter<Desk> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(unfreeze)).routes(routes!(skip)).routes(routes!(reset))
}

/// Which partitions are meant.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Wished {
    topic: Option<String>,
    /// `true`: only those that stand still.
    frozen: Option<bool>,
}

#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct PartitionList {
    pub partitions: Vec<PartitionStatus>,
}

/// A partition that goes on.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct ReleasedPartition {
    pub topic: String,
    pub partition: i32,
    /// The offset to be read next.
    pub next: i64,
}

/// Lists partitions of which something was read.
#[utoipa::path(get, path = "/partitions", tag = "partitions", params(Wished), responses((status = 200, body = PartitionList)))]
async fn list(
    State(handle): State<Handle>,
    wished: Result<Query<Wished>, QueryRejection>,
) -> Result<Json<PartitionList>, Problem> {
    let Query(Wished { topic, frozen }) = wished?;
    let mut partitions = handle.partitions(topic).await?;
    partitions.retain(|it| frozen.is_none_or(|frozen| it.frozen.is_some() == frozen));
    Ok(Json(PartitionList { partitions }))
}

type Names = Result<Path<(String, i32)>, PathRejection>;
type Why = Result<Query<Reason>, QueryRejection>;

/// Lets a frozen partition go on: the message at which it stands is judged again.
#[utoipa::path(post, path = "/partitions/{topic}/{partition}/unfreeze", tag = "partitions",
    params(("topic" = String, Path), ("partition" = i32, Path), Reason),
    responses(
        (status = 200, body = ReleasedPartition),
        (status = 404, description = "no-such-partition"),
        (status = 409, description = "not-frozen"),
    ))]
async fn unfreeze(
    State(handle): State<Handle>,
    headers: HeaderMap,
    names: Names,
    why: Why,
) -> Result<Json<ReleasedPartition>, Problem> {
    release(handle, headers, names, why, Release::Unfreeze).await
}

/// Lets a frozen partition go on behind the message at which it stands: that one is set aside.
#[utoipa::path(post, path = "/partitions/{topic}/{partition}/skip", tag = "partitions",
    params(("topic" = String, Path), ("partition" = i32, Path), Reason),
    responses(
        (status = 200, body = ReleasedPartition),
        (status = 404, description = "no-such-partition"),
        (status = 409, description = "not-frozen"),
    ))]
async fn skip(
    State(handle): State<Handle>,
    headers: HeaderMap,
    names: Names,
    why: Why,
) -> Result<Json<ReleasedPartition>, Problem> {
    release(handle, headers, names, why, Release::Skip).await
}

async fn release(
    handle: Handle,
    headers: HeaderMap,
    names: Names,
    why: Why,
    how: Release,
) -> Result<Json<ReleasedPartition>, Problem> {
    let (Path((topic, partition)), reason) = (names?, why?.0.checked()?);
    let next = handle.release(&topic, partition, how, guard::actor(&headers), reason).await?;
    Ok(Json(ReleasedPartition { topic, partition, next }))
}

/// Where to read a partition from.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ResetRequest {
    /// `earliest`, `latest`, an offset, or a time as `2026-01-31T00:00:00Z`: the first message of then or later.
    pub to: String,
    /// Why, for the audit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 1000)]
    pub reason: Option<String>,
}

/// Has a partition read from another place on: what is stored of it begins a new epoch. It need not stand still.
#[utoipa::path(post, path = "/partitions/{topic}/{partition}/reset", tag = "partitions",
    params(("topic" = String, Path), ("partition" = i32, Path)),
    request_body = ResetRequest,
    responses(
        (status = 200, body = ReleasedPartition),
        (status = 404, description = "no-such-partition"),
        (status = 409, description = "no-kafka"),
    ))]
async fn reset(
    State(handle): State<Handle>,
    headers: HeaderMap,
    names: Names,
    request: Result<Json<ResetRequest>, JsonRejection>,
) -> Result<Json<ReleasedPartition>, Problem> {
    let (Path((topic, partition)), Json(ResetRequest { to, reason })) = (names?, request?);
    let to: ResetTo = to.parse().map_err(|error: String| Problem::new(ProblemKind::BadRequest, error))?;
    let reason = checked_reason(reason)?;
    let next = handle.reset_partition(&topic, partition, to, guard::actor(&headers), reason).await?;
    Ok(Json(ReleasedPartition { topic, partition, next }))
}

impl From<ResetError> for Problem {
    fn from(error: ResetError) -> Self {
        let kind = match &error {
            ResetError::NoKafka => ProblemKind::NoKafka,
            ResetError::NoSuchPartition { .. } => ProblemKind::NoSuchPartition,
            ResetError::Outside { .. } => ProblemKind::BadRequest,
            ResetError::NotConnected | ResetError::Source(_) => ProblemKind::KafkaUnreachable,
            ResetError::Store(_) => ProblemKind::StoreUnavailable,
            ResetError::Defect => ProblemKind::Internal,
        };
        Self::of(kind, &error)
    }
}

impl From<ReleaseError> for Problem {
    fn from(error: ReleaseError) -> Self {
        let kind = match &error {
            ReleaseError::NoSuchPartition { .. } => ProblemKind::NoSuchPartition,
            ReleaseError::NotFrozen { .. } => ProblemKind::NotFrozen,
            ReleaseError::Store(_) => ProblemKind::StoreUnavailable,
        };
        Self::of(kind, &error)
    }
}
