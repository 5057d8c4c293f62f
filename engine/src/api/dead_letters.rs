//! `/v1/dead-letters`: messages that were set aside, listed, shown and judged again.

use std::sync::Arc;

use axum::{
    Json,
    extract::{
        Path, Query, State,
        rejection::{JsonRejection, PathRejection, QueryRejection},
    },
    http::HeaderMap,
};
use serde::{Deserialize, Serialize};
use utoipa::IntoParams;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    Desk, guard,
    object::Object,
    paging::{self, within},
    problem::{Problem, ProblemKind},
};
use crate::{
    domain::dead_letter::{DeadLetterFilter, DeadLetterId, DeadLetterKind, StoredDeadLetter},
    pipeline::{
        handle::{Handle, HandleError},
        redrive::{REDRIVE_LIMIT, RedriveError, Redriven, Which},
    },
};

pub(super) fn routes() -> OpenApiRouter<Desk> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(redrive)).routes(routes!(show))
}

/// Which dead letters are meant.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Wished {
    topic: Option<String>,
    matcher: Option<String>,
    kind: Option<DeadLetterKind>,
    /// Older than this one: `next_before` of the page before.
    #[param(value_type = Option<i64>)]
    before: Option<DeadLetterId>,
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<usize>,
}

/// The newest dead letters, older than one.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = DeadLetterPage)]
pub struct Page {
    pub dead_letters: Vec<StoredDeadLetter>,
    /// What to give as `before` for the next page. None: this was the last one.
    pub next_before: Option<DeadLetterId>,
}

/// Which dead letters to judge again: either `ids`, or a `filter` and where to go on.
#[derive(Debug, Clone, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RedriveRequest {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(min_items = 1, max_items = 1000)]
    pub ids: Option<Vec<DeadLetterId>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filter: Option<DeadLetterFilter>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<DeadLetterId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 1000)]
    pub limit: Option<usize>,
}

/// What came of it.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct RedriveAnswer {
    pub redriven: Vec<RedrivenLetter>,
    /// What to give as `after` for the next ones. None: these were the last ones.
    pub next_after: Option<DeadLetterId>,
}

#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct RedrivenLetter {
    pub id: DeadLetterId,
    #[schema(value_type = String)]
    pub topic: Arc<str>,
    pub partition: i32,
    pub offset: i64,
    /// False: it could not be judged again, and nothing changed.
    pub judged: bool,
    pub outcome: String,
}

impl From<Redriven> for RedrivenLetter {
    fn from(Redriven { letter, judged, outcome }: Redriven) -> Self {
        let StoredDeadLetter { id, topic, partition, offset, .. } = letter;
        Self { id, topic, partition, offset, judged, outcome }
    }
}

/// Lists messages that were set aside, the newest first.
#[utoipa::path(get, path = "/dead-letters", tag = "dead letters", params(Wished), responses((status = 200, body = Page)))]
async fn list(
    State(handle): State<Handle>,
    wished: Result<Query<Wished>, QueryRejection>,
) -> Result<Json<Page>, Problem> {
    let Query(Wished { topic, matcher, kind, before, limit }) = wished?;
    let limit = paging::limit(limit)?;
    let dead_letters = handle.dead_letters(DeadLetterFilter { topic, matcher, kind }, before, limit).await?;
    let next_before = dead_letters.last().map(|last| last.id).filter(|_| dead_letters.len() == limit);
    Ok(Json(Page { dead_letters, next_before }))
}

/// Shows a message that was set aside.
#[utoipa::path(get, path = "/dead-letters/{id}", tag = "dead letters", params(("id" = i64, Path)), responses(
    (status = 200, body = StoredDeadLetter),
    (status = 404, description = "no-such-dead-letter"),
))]
async fn show(
    State(handle): State<Handle>,
    id: Result<Path<DeadLetterId>, PathRejection>,
) -> Result<Json<StoredDeadLetter>, Problem> {
    let Path(id) = id?;
    let letter = handle.dead_letter(id).await?;
    let missing = || Problem::new(ProblemKind::NoSuchDeadLetter, format!("there is no dead letter {id}"));
    letter.map(Json).ok_or_else(missing)
}

/// Has messages judged again: those of `ids`, or the oldest that a `filter` means.
#[utoipa::path(post, path = "/dead-letters/redrive", tag = "dead letters", request_body = RedriveRequest, responses(
    (status = 200, body = RedriveAnswer),
    (status = 404, description = "no-such-dead-letter: nothing was judged"),
    (status = 409, description = "no-kafka: no message can be read again"),
))]
async fn redrive(
    State(handle): State<Handle>,
    headers: HeaderMap,
    request: Result<Json<Object<RedriveRequest>>, JsonRejection>,
) -> Result<Json<RedriveAnswer>, Problem> {
    let Json(Object(request)) = request?;
    let which = Which::try_from(request)?;
    let full = match &which {
        Which::All { limit, .. } => Some(*limit),
        Which::These(_) => None,
    };
    let redriven = handle.redrive(which, guard::actor(&headers)).await?;
    let next_after = redriven.last().map(|last| last.letter.id).filter(|_| full == Some(redriven.len()));
    Ok(Json(RedriveAnswer { redriven: redriven.into_iter().map(RedrivenLetter::from).collect(), next_after }))
}

impl TryFrom<RedriveRequest> for Which {
    type Error = Problem;

    fn try_from(request: RedriveRequest) -> Result<Self, Problem> {
        match request {
            RedriveRequest { ids: Some(ids), filter: None, after: None, limit: None } => {
                within(Some(ids.len()), 0, REDRIVE_LIMIT)?;
                Ok(Self::These(ids))
            }
            RedriveRequest { ids: None, filter: Some(filter), after, limit } => {
                Ok(Self::All { filter, after, limit: within(limit, REDRIVE_LIMIT, REDRIVE_LIMIT)? })
            }
            _ => Err(Problem::new(
                ProblemKind::BadRequest,
                "give either `ids`, or `filter` (`{}` means all) with `after` and `limit` as you like",
            )),
        }
    }
}

impl From<HandleError> for Problem {
    fn from(error: HandleError) -> Self {
        let kind = match &error {
            HandleError::Store(_) => ProblemKind::StoreUnavailable,
        };
        Self::of(kind, &error)
    }
}

impl From<RedriveError> for Problem {
    fn from(error: RedriveError) -> Self {
        let kind = match &error {
            RedriveError::NoKafka => ProblemKind::NoKafka,
            RedriveError::Unknown(_) => ProblemKind::NoSuchDeadLetter,
            RedriveError::Fetch(_) => ProblemKind::KafkaUnreachable,
            RedriveError::Store(_) | RedriveError::Render(_) => ProblemKind::StoreUnavailable,
            RedriveError::Defect => ProblemKind::Internal,
        };
        Self::of(kind, &error)
    }
}
