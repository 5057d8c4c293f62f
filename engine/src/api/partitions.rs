//! `/v1/partitions`: how far each was read, those that stand still released, and any of them read from another place.

use axum::{
    Json,
    extract::{
        Path, Query, State,
        rejection::{PathRejection, QueryRejection},
    },
    http::HeaderMap,
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    Desk, guard,
    problem::{Problem, ProblemKind},
    waits::Reason,
};
use crate::{
    domain::partition::{PartitionStatus, Release},
    pipeline::{handle::Handle, partitions::ReleaseError, resetting::ResetError},
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

/// Where a partition is to be read from.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Place {
    /// `earliest`, `latest`, an offset, or a time as `2026-01-31T00:00:00Z`.
    to: String,
    /// Why, for the audit.
    reason: Option<String>,
}

/// Has a partition read from another place on. A new epoch begins: what was recorded stays, and what is read again is
/// recorded beside it.
#[utoipa::path(post, path = "/partitions/{topic}/{partition}/reset", tag = "partitions",
    params(("topic" = String, Path), ("partition" = i32, Path), Place),
    responses(
        (status = 200, body = ReleasedPartition),
        (status = 400, description = "bad-request: the log has no such offset"),
        (status = 404, description = "no-such-partition"),
        (status = 409, description = "no-kafka"),
        (status = 503, description = "kafka-unreachable"),
    ))]
async fn reset(
    State(handle): State<Handle>,
    headers: HeaderMap,
    names: Names,
    place: Result<Query<Place>, QueryRejection>,
) -> Result<Json<ReleasedPartition>, Problem> {
    let (Path((topic, partition)), Query(Place { to, reason })) = (names?, place?);
    let reason = Reason { reason }.checked()?;
    let to = to.parse().map_err(|problem: String| Problem::new(ProblemKind::BadRequest, format!("`to`: {problem}")))?;
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
