//! Who may ask: whoever knows the token; where there is none, whoever calls this machine by a name of its own. (A page in a
//! browser can call loopback by a name that it made point there; the `Host` header tells.)

use std::net::IpAddr;

use axum::{
    extract::{Request, State},
    http::{
        HeaderMap, HeaderValue,
        header::{AUTHORIZATION, HOST, USER_AGENT, WWW_AUTHENTICATE},
        uri::Authority,
    },
    middleware::Next,
    response::{IntoResponse, Response},
};

use super::{
    config::Token,
    problem::{Problem, ProblemKind},
};
use crate::domain::dead_letter::Actor;

pub(super) async fn guard(State(token): State<Option<Token>>, request: Request, next: Next) -> Response {
    match token {
        Some(token) if !bearer(request.headers()).is_some_and(|given| token.is(given)) => unauthorized(),
        None if !is_local(request.headers()) => {
            let detail = "without a token the API is called by an address or as `localhost`";
            Problem::new(ProblemKind::Forbidden, detail).into_response()
        }
        _ => next.run(request).await,
    }
}

fn unauthorized() -> Response {
    let problem =
        Problem::new(ProblemKind::Unauthorized, "the header `Authorization: Bearer TOKEN` is missing or wrong");
    let mut response = problem.into_response();
    response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    response
}

/// Whether the name by which we are called is one that no foreign page can have.
fn is_local(headers: &HeaderMap) -> bool {
    let Some(host) = headers.get(HOST).and_then(|host| host.to_str().ok()) else {
        return false;
    };
    match host.parse::<Authority>().as_ref().map(Authority::host) {
        Ok("localhost") => true,
        Ok(name) => name.trim_matches(['[', ']']).parse::<IpAddr>().is_ok(),
        Err(_) => false,
    }
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
