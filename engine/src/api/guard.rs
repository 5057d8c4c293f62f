//! Who may ask, and for what: whoever knows a token; where there is none, whoever calls this machine by a name of its own. (A page in a
//! browser can call loopback by a name that it made point there; the `Host` header tells.)

use std::{net::IpAddr, sync::Arc};

use axum::{
    extract::{Request, State},
    http::{
        HeaderMap, Method,
        header::{AUTHORIZATION, HOST, USER_AGENT},
        uri::Authority,
    },
    middleware::Next,
    response::{IntoResponse, Response},
};

use super::{
    config::Access,
    problem::{Problem, ProblemKind},
};
use crate::domain::dead_letter::Actor;

pub(super) async fn guard(State(access): State<Arc<Access>>, request: Request, next: Next) -> Response {
    let only_looks = matches!(*request.method(), Method::GET | Method::HEAD);
    match refused(&access, request.headers(), only_looks) {
        Some(problem) => problem.into_response(),
        None => next.run(request).await,
    }
}

/// Why somebody may not do what they ask for.
pub(super) fn refused(access: &Access, headers: &HeaderMap, only_looks: bool) -> Option<Problem> {
    let Some(token) = &access.token else {
        let detail = "without a token the API is called by an address or as `localhost`";
        return (!is_local(headers)).then(|| Problem::new(ProblemKind::Forbidden, detail));
    };
    let given = bearer(headers).unwrap_or_default();
    // Both are compared, whatever the first says.
    let (may_write, may_read) = (token.is(given), access.read_token.as_ref().is_some_and(|token| token.is(given)));
    if may_write || may_read && only_looks {
        None
    } else if may_read {
        Some(Problem::new(ProblemKind::Forbidden, "this token may look at everything and change nothing"))
    } else {
        let detail = "the header `Authorization: Bearer TOKEN` is missing or wrong";
        Some(Problem::new(ProblemKind::Unauthorized, detail))
    }
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
