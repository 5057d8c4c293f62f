//! The HTTP API: how people and programs ask a running service, and act on it.
//!
//! Every error is a problem document (`application/problem+json`) whose `type` is a promise, and every route and answer is
//! in the OpenAPI document (`document`), which is made from what stands beside the handlers. Knows the pipeline only by
//! its [`Handle`], and no store, source or matcher. Start at [`router`]; each subject has a file with its routes, its
//! handlers and the JSON of its requests and answers.

mod acts;
mod changes;
mod config;
mod dead_letters;
mod document;
mod explain;
mod guard;
mod health;
mod limits;
mod marks;
mod matchers;
mod matches;
mod object;
mod paging;
mod partitions;
mod problem;
mod sensors;
mod server;
mod status;
mod waits;

use std::sync::Arc;

use axum::{
    Router,
    extract::{DefaultBodyLimit, FromRef},
    middleware,
    routing::get,
};
use serde_json::Value;
use tokio::sync::{Semaphore, watch};
use utoipa::openapi::OpenApi;
use utoipa_axum::router::OpenApiRouter;

pub use config::{Access, Config, ConfigError, Token};
pub use dead_letters::{Page, RedriveAnswer, RedriveRequest, RedrivenLetter};
pub use marks::{MarkPage, RetryAnswer, RetryRequest};
pub use matchers::{MatcherHistory, MatcherList, PinRequest};
pub use matchers::{Pushed, Role, ShadowStatus};
pub use matches::MatchPage;
pub use partitions::{PartitionList, ReleasedPartition};
pub use problem::{DefinitionProblem, Problem, ProblemKind};
pub use sensors::{DefinedSensors, SensorAnswer, SensorPage, Sensors};
pub use server::{Api, ApiError};
pub use status::StatusPage;
pub use waits::{OpenWait, WaitPage};

use crate::pipeline::{Stop, handle::Handle};

/// How programs of our own say who they are; whoever else asks is `api` in the audit.
pub const USER_AGENT: &str = concat!("eventlatch/", env!("CARGO_PKG_VERSION"));

/// Of the body of a request so many bytes are taken, where no route says more.
const BODY_LIMIT: usize = 64 << 10;

/// So many requests may stay open at a time until something happens.
const PATIENT: usize = 4_096;

/// What handlers work with.
#[derive(Clone)]
struct Desk {
    handle: Handle,
    /// What stays open ends when the service stops.
    stopped: watch::Receiver<Stop>,
    /// Requests that stay open until something happens hold one.
    patient: Arc<Semaphore>,
}

impl FromRef<Desk> for Handle {
    fn from_ref(desk: &Desk) -> Self {
        desk.handle.clone()
    }
}

/// All routes under `/v1` with their documentation.
fn v1() -> (Router<Desk>, OpenApi) {
    let routes = OpenApiRouter::new()
        .merge(sensors::routes())
        .merge(status::routes())
        .merge(explain::routes())
        .merge(waits::routes())
        .merge(acts::routes())
        .merge(matches::routes())
        .merge(marks::routes())
        .merge(changes::routes())
        .merge(matchers::routes())
        .merge(dead_letters::routes())
        .merge(partitions::routes());
    OpenApiRouter::with_openapi(document::head()).nest("/v1", routes).merge(health::routes()).split_for_parts()
}

/// The OpenAPI document.
pub fn openapi() -> Value {
    document::finished(v1().1)
}

/// All routes. Where there are tokens, only those are answered that know one.
pub fn router(handle: Handle, config: &Config, access: Access, stopped: watch::Receiver<Stop>) -> Router {
    let desk = Desk { handle, stopped, patient: Arc::new(Semaphore::new(PATIENT)) };
    let (routes, document) = v1();
    let document = document::finished(document);
    let access = Arc::new(access);
    let guarded = routes
        .route("/v1/openapi.json", get(move || async move { axum::Json(document) }))
        .layer(DefaultBodyLimit::max(BODY_LIMIT))
        .layer(middleware::from_fn(limits::in_time))
        .layer(middleware::from_fn_with_state(Arc::clone(&access), guard::guard))
        .layer(middleware::from_fn_with_state(limits::rate(config), limits::not_too_many));
    let open = health::open().with_state((desk.clone(), access));
    guarded
        .with_state(desk)
        .merge(open)
        .fallback(problem::no_such_path)
        .method_not_allowed_fallback(problem::no_such_method)
}
