//! `/v1/matchers`: which builds serve and served, and what people do with them.

use axum::{
    Json,
    extract::{
        Path, State,
        rejection::{JsonRejection, PathRejection},
    },
    http::HeaderMap,
};
use serde::{Deserialize, Serialize};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    Desk, guard,
    object::Object,
    problem::{Problem, ProblemKind},
};
use crate::{
    domain::generation::Generation,
    pipeline::{
        acts::{Act, ActError},
        handle::Handle,
        standing::MatcherStatus,
    },
};

pub(super) fn routes() -> OpenApiRouter<Desk> {
    let acts = OpenApiRouter::new().routes(routes!(roll_back)).routes(routes!(pin)).routes(routes!(unpin));
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(history)).merge(acts)
}

/// How all matchers stand.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct MatcherList {
    pub matchers: Vec<MatcherStatus>,
}

/// The builds of a matcher, the newest first.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct MatcherHistory {
    pub generations: Vec<Generation>,
}

/// Which build to pin: the beginning of its sha256. None: the one that serves now.
#[derive(Debug, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct PinRequest {
    pub sha256: Option<String>,
}

type Name = Result<Path<String>, PathRejection>;

/// Shows how all matchers stand.
#[utoipa::path(get, path = "/matchers", tag = "matchers", responses((status = 200, body = MatcherList)))]
async fn list(State(handle): State<Handle>) -> Result<Json<MatcherList>, Problem> {
    Ok(Json(MatcherList { matchers: handle.matchers().await? }))
}

/// Lists the builds of a matcher, the newest first.
#[utoipa::path(get, path = "/matchers/{name}/history", tag = "matchers", params(("name" = String, Path)), responses(
    (status = 200, body = MatcherHistory),
    (status = 404, description = "no-such-matcher"),
))]
async fn history(State(handle): State<Handle>, name: Name) -> Result<Json<MatcherHistory>, Problem> {
    let Path(name) = name?;
    let generations = handle.history(Some(&name)).await?;
    if generations.is_empty() {
        return Err(ActError::NoSuchMatcher(name).into());
    }
    Ok(Json(MatcherHistory { generations }))
}

/// Has the build serve again that served before.
#[utoipa::path(post, path = "/matchers/{name}/rollback", tag = "matchers", params(("name" = String, Path)), responses(
    (status = 200, body = MatcherList),
    (status = 404, description = "no-such-matcher or no-such-build"),
    (status = 409, description = "matcher-refused"),
))]
async fn roll_back(State(handle): State<Handle>, headers: HeaderMap, name: Name) -> Result<Json<MatcherList>, Problem> {
    act(handle, headers, name, Act::RollBack).await
}

/// Has one build serve, whatever the matcher directory holds.
#[utoipa::path(put, path = "/matchers/{name}/pin", tag = "matchers", params(("name" = String, Path)),
    request_body = PinRequest,
    responses(
        (status = 200, body = MatcherList),
        (status = 404, description = "no-such-matcher or no-such-build"),
        (status = 409, description = "matcher-refused"),
    ))]
async fn pin(
    State(handle): State<Handle>,
    headers: HeaderMap,
    name: Name,
    request: Result<Json<Object<PinRequest>>, JsonRejection>,
) -> Result<Json<MatcherList>, Problem> {
    let Json(Object(PinRequest { sha256 })) = request?;
    act(handle, headers, name, Act::Pin(sha256)).await
}

/// Lets the matcher directory decide again.
#[utoipa::path(delete, path = "/matchers/{name}/pin", tag = "matchers", params(("name" = String, Path)), responses(
    (status = 200, body = MatcherList),
    (status = 404, description = "no-such-matcher or no-such-build"),
    (status = 409, description = "matcher-refused"),
))]
async fn unpin(State(handle): State<Handle>, headers: HeaderMap, name: Name) -> Result<Json<MatcherList>, Problem> {
    act(handle, headers, name, Act::Unpin).await
}

/// Does it, and answers how that matcher stands then.
async fn act(handle: Handle, headers: HeaderMap, name: Name, act: Act) -> Result<Json<MatcherList>, Problem> {
    let Path(name) = name?;
    handle.act(name.clone(), act, guard::actor(&headers)).await?;
    let mut matchers = handle.matchers().await?;
    matchers.retain(|it| it.name == name);
    Ok(Json(MatcherList { matchers }))
}

impl From<ActError> for Problem {
    fn from(error: ActError) -> Self {
        let kind = match &error {
            ActError::NoSuchMatcher(_) => ProblemKind::NoSuchMatcher,
            ActError::NoSuchBuild { .. } | ActError::Ambiguous { .. } | ActError::NothingBefore(_) => {
                ProblemKind::NoSuchBuild
            }
            ActError::Refused(_) => ProblemKind::MatcherRefused,
            ActError::Store(_) | ActError::Stopping => ProblemKind::StoreUnavailable,
        };
        Self::of(kind, &error)
    }
}
