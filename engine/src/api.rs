//! The HTTP API: how people and programs ask a running service, and act on it.
//!
//! Every error is a problem document (`application/problem+json`) whose `type` is a promise. Knows the pipeline only by
//! its [`Handle`], and no store, source or matcher. Start at [`router`]; each subject has a file with its routes, its
//! handlers and the JSON of its requests and answers.

mod config;
mod dead_letters;
mod explain;
mod guard;
mod matchers;
mod problem;
mod server;

use axum::{Router, extract::DefaultBodyLimit, middleware, routing::get};

pub use config::{Config, ConfigError, Token, TokenReference};
pub use dead_letters::{Page, RedriveAnswer, RedriveRequest, RedrivenLetter};
pub use matchers::{MatcherHistory, MatcherList, PinRequest};
pub use problem::{Problem, ProblemKind};
pub use server::{Api, ApiError};

use crate::pipeline::handle::Handle;

/// How programs of our own say who they are; whoever else asks is `api` in the audit.
pub const USER_AGENT: &str = concat!("eventlatch/", env!("CARGO_PKG_VERSION"));

/// Of the body of a request so many bytes are taken.
const BODY_LIMIT: usize = 64 << 10;

/// All routes. With a token, what is under `/v1` is answered only to those who know it.
pub fn router(handle: Handle, token: Option<Token>) -> Router {
    let v1 = Router::new().merge(dead_letters::routes()).merge(explain::routes()).merge(matchers::routes());
    Router::new()
        .nest("/v1", v1.layer(middleware::from_fn_with_state(token, guard::guard)))
        .route("/livez", get(async || "ok\n"))
        .fallback(problem::no_such_path)
        .method_not_allowed_fallback(problem::no_such_method)
        .layer(DefaultBodyLimit::max(BODY_LIMIT))
        .with_state(handle)
}
