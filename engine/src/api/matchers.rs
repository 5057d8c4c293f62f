//! `/v1/matchers`: which builds serve and served, and what people do with them.

use std::error::Error;

use axum::{
    Json,
    body::Body,
    extract::{
        DefaultBodyLimit, Path, Query, State,
        rejection::{JsonRejection, PathRejection, QueryRejection},
    },
    http::{HeaderMap, header::CONTENT_TYPE},
};
use http_body_util::LengthLimitError;
use serde::{Deserialize, Serialize};
use utoipa::IntoParams;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    Desk, guard,
    object::Object,
    problem::{Problem, ProblemKind},
};
pub use crate::pipeline::{
    pushing::{Pushed, Role},
    shadow::ShadowStatus,
};
use crate::{
    domain::generation::Generation,
    pipeline::{
        acts::{Act, ActError},
        handle::Handle,
        pushing::Push,
        standing::MatcherStatus,
    },
};

/// How a file says that it is one.
const WASM: &str = "application/wasm";

/// A push is proved on so many of the last messages of each topic, if nothing is said, and at most.
const LAST_MESSAGES: usize = 1_000;
const MOST_MESSAGES: usize = 100_000;

pub(super) fn routes() -> OpenApiRouter<Desk> {
    let acts = OpenApiRouter::new().routes(routes!(roll_back)).routes(routes!(pin)).routes(routes!(unpin));
    let acts = acts.routes(routes!(promote)).routes(routes!(withdraw)).routes(routes!(release));
    let looks = OpenApiRouter::new().routes(routes!(list)).routes(routes!(history)).routes(routes!(shadow));
    // How much is taken the configuration says.
    let push = OpenApiRouter::new().routes(routes!(push)).layer(DefaultBodyLimit::disable());
    looks.merge(acts).merge(push)
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

/// How a build is to be pushed.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct PushQuery {
    /// The name under which it is to serve, where that is one that the configuration gives it.
    name: Option<String>,
    /// Whether it is to judge beside the build that serves, and to mark nothing.
    #[serde(default)]
    shadow: bool,
    /// Whether a difference from the build that serves is a reason to refuse it.
    #[serde(default)]
    strict: bool,
    /// It is proved on so many of the last messages of each topic: 1,000 if nothing is said, 0 for none.
    #[param(maximum = 100_000)]
    messages: Option<usize>,
}

/// The file.
#[derive(utoipa::ToSchema)]
#[schema(value_type = String, format = Binary)]
#[expect(dead_code, reason = "it is there for the document: the body is read as it comes")]
struct WasmBody(Vec<u8>);

/// Proves a build of a matcher and has it serve, or judge in the shadow of the one that serves.
#[utoipa::path(post, path = "/matchers", tag = "matchers", params(PushQuery),
    request_body(content = inline(WasmBody), content_type = "application/wasm"),
    responses(
        (status = 200, body = Pushed),
        (status = 409, description = "matcher-refused: the reason is in `detail`, and nothing changed"),
        (status = 415, description = "not-wasm"),
    ))]
async fn push(
    State(handle): State<Handle>,
    headers: HeaderMap,
    query: Result<Query<PushQuery>, QueryRejection>,
    body: Body,
) -> Result<Json<Pushed>, Problem> {
    let Query(PushQuery { name, shadow, strict, messages }) = query?;
    let messages = messages.unwrap_or(LAST_MESSAGES);
    if messages > MOST_MESSAGES {
        let detail = format!("`messages` is at most {MOST_MESSAGES}");
        return Err(Problem::new(ProblemKind::BadRequest, detail));
    }
    let wasm = wasm(&handle, &headers, body).await?;
    let push = Push { wasm, name, shadow, strict, messages };
    Ok(Json(handle.push(push, guard::actor(&headers)).await?))
}

/// The file in a request.
async fn wasm(handle: &Handle, headers: &HeaderMap, body: Body) -> Result<Vec<u8>, Problem> {
    let kind = headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    if !kind.eq_ignore_ascii_case(WASM) {
        let detail = format!("the body does not say `Content-Type: {WASM}`");
        return Err(Problem::new(ProblemKind::NotWasm, detail));
    }
    let limit = handle.largest_matcher();
    let read = axum::body::to_bytes(body, limit).await;
    let read = read.map_err(|error| match limited(&error) {
        true => {
            let detail = format!("a matcher is at most {} MiB large (`file_mib` in [matchers.limits])", limit >> 20);
            Problem::new(ProblemKind::TooLarge, detail)
        }
        false => Problem::new(ProblemKind::BadRequest, "the body ended before its time"),
    })?;
    Ok(read.into())
}

fn limited(error: &axum::Error) -> bool {
    std::iter::successors(error.source(), |error| (**error).source()).any(|cause| cause.is::<LengthLimitError>())
}

/// Shows in what the candidate of a matcher differs from the build that serves.
#[utoipa::path(get, path = "/matchers/{name}/shadow", tag = "matchers", params(("name" = String, Path)), responses(
    (status = 200, body = ShadowStatus),
    (status = 404, description = "no-such-candidate"),
))]
async fn shadow(State(handle): State<Handle>, name: Name) -> Result<Json<ShadowStatus>, Problem> {
    let Path(name) = name?;
    Ok(Json(handle.shadow(&name).await?))
}

/// Has the candidate serve.
#[utoipa::path(post, path = "/matchers/{name}/promote", tag = "matchers", params(("name" = String, Path)), responses(
    (status = 200, body = MatcherList),
    (status = 404, description = "no-such-candidate or no-such-build"),
    (status = 409, description = "matcher-refused"),
))]
async fn promote(State(handle): State<Handle>, headers: HeaderMap, name: Name) -> Result<Json<MatcherList>, Problem> {
    act(handle, headers, name, Act::Promote).await
}

/// Has the candidate judge no more, and forgets what was counted of it.
#[utoipa::path(delete, path = "/matchers/{name}/shadow", tag = "matchers", params(("name" = String, Path)), responses(
    (status = 200, body = MatcherList),
    (status = 404, description = "no-such-candidate"),
))]
async fn withdraw(State(handle): State<Handle>, headers: HeaderMap, name: Name) -> Result<Json<MatcherList>, Problem> {
    act(handle, headers, name, Act::Withdraw).await
}

/// Has a build go on that is quarantined over its budget.
#[utoipa::path(post, path = "/matchers/{name}/release", tag = "matchers", params(("name" = String, Path)), responses(
    (status = 200, body = MatcherList),
    (status = 404, description = "no-such-matcher"),
    (status = 409, description = "not-over-budget"),
))]
async fn release(State(handle): State<Handle>, headers: HeaderMap, name: Name) -> Result<Json<MatcherList>, Problem> {
    act(handle, headers, name, Act::Release).await
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
            ActError::Refused(_) | ActError::NothingBeside(_) => ProblemKind::MatcherRefused,
            ActError::NoCandidate(_) => ProblemKind::NoSuchCandidate,
            ActError::NotOverBudget(_) => ProblemKind::NotOverBudget,
            ActError::Kafka(_) => ProblemKind::KafkaUnreachable,
            ActError::Store(_) | ActError::Stopping => ProblemKind::StoreUnavailable,
        };
        Self::of(kind, &error)
    }
}
