//! Who may ask: whoever knows the token, where there is one.

use axum::{
    extract::{Request, State},
    http::{HeaderMap, HeaderValue, header::AUTHORIZATION, header::USER_AGENT, header::WWW_AUTHENTICATE},
    middleware::Next,
    response::{IntoResponse, Response},
};

use super::{
    config::Token,
    problem::{Problem, ProblemKind},
};
use crate::domain::dead_letter::Actor;

pub(super) async fn guard(State(token): State<Option<Token>>, request: Request, next: Next) -> Response {
    if token.is_none_or(|token| bearer(request.headers()).is_some_and(|given| token.is(given))) {
        return next.run(request).await;
    }
    let problem =
        Problem::new(ProblemKind::Unauthorized, "the header `Authorization: Bearer TOKEN` is missing or wrong");
    let mut response = problem.into_response();
    response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    response
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("Bearer").then_some(token)
}

/// Who asks, as the audit names it.
pub(super) fn actor(headers: &HeaderMap) -> Actor {
    let ours = headers.get(USER_AGENT).and_then(|agent| agent.to_str().ok());
    if ours.is_some_and(|agent| agent.starts_with("eventlatch/")) { Actor::Cli } else { Actor::Api }
}
