//! `/v1/dead-letters`: messages that were set aside, listed, shown and judged again.

use std::sync::Arc;

use axum::{
    Json, Router,
    extract::{
        Path, Query, State,
        rejection::{JsonRejection, PathRejection, QueryRejection},
    },
    http::HeaderMap,
    routing::{get, post},
};
use serde::{Deserialize, Serialize};

use super::{
    guard,
    problem::{Problem, ProblemKind},
};
use crate::{
    domain::dead_letter::{DeadLetterFilter, DeadLetterId, DeadLetterKind, StoredDeadLetter},
    pipeline::{
        handle::{Handle, HandleError},
        redrive::{REDRIVE_LIMIT, RedriveError, Redriven, Which},
    },
};

const DEFAULT_LIMIT: usize = 100;
const LIMIT: usize = 1_000;

pub(super) fn routes() -> Router<Handle> {
    Router::new()
        .route("/dead-letters", get(list))
        .route("/dead-letters/{id}", get(show))
        .route("/dead-letters/redrive", post(redrive))
}

/// What `GET /v1/dead-letters` takes.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wished {
    topic: Option<String>,
    matcher: Option<String>,
    kind: Option<DeadLetterKind>,
    before: Option<DeadLetterId>,
    limit: Option<usize>,
}

/// The newest dead letters, older than one.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
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
    pub ids: Option<Vec<DeadLetterId>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filter: Option<DeadLetterFilter>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<DeadLetterId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
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

async fn list(
    State(handle): State<Handle>,
    wished: Result<Query<Wished>, QueryRejection>,
) -> Result<Json<Page>, Problem> {
    let Query(Wished { topic, matcher, kind, before, limit }) = wished?;
    let limit = within(limit, DEFAULT_LIMIT, LIMIT)?;
    let dead_letters = handle.dead_letters(DeadLetterFilter { topic, matcher, kind }, before, limit).await?;
    let next_before = dead_letters.last().map(|last| last.id).filter(|_| dead_letters.len() == limit);
    Ok(Json(Page { dead_letters, next_before }))
}

async fn show(
    State(handle): State<Handle>,
    id: Result<Path<DeadLetterId>, PathRejection>,
) -> Result<Json<StoredDeadLetter>, Problem> {
    let Path(id) = id?;
    let letter = handle.dead_letter(id).await?;
    let missing = || Problem::new(ProblemKind::NoSuchDeadLetter, format!("there is no dead letter {id}"));
    letter.map(Json).ok_or_else(missing)
}

async fn redrive(
    State(handle): State<Handle>,
    headers: HeaderMap,
    request: Result<Json<RedriveRequest>, JsonRejection>,
) -> Result<Json<RedriveAnswer>, Problem> {
    let Json(request) = request?;
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

fn within(given: Option<usize>, default: usize, most: usize) -> Result<usize, Problem> {
    let number = given.unwrap_or(default);
    match (1..=most).contains(&number) {
        true => Ok(number),
        false => Err(Problem::new(ProblemKind::BadRequest, format!("{number} at a time: it must be 1 to {most}"))),
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
