//! What one caller may ask of the service: so many requests a second, each for so long.

use std::{num::NonZeroU32, sync::Arc, time::Duration};

use axum::{
    extract::{Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};
use governor::{
    DefaultDirectRateLimiter, Quota,
    clock::{Clock, DefaultClock},
};

use super::{
    Config,
    problem::{Problem, ProblemKind},
};

/// Longer than any answer takes that is not waiting for something, and than all waiting.
const IN_ALL: Duration = Duration::from_secs(330);

/// None: as many as they like.
pub(super) type Rate = Option<Arc<DefaultDirectRateLimiter>>;

pub(super) fn rate(config: &Config) -> Rate {
    let quota = NonZeroU32::new(config.requests_per_second).map(Quota::per_second);
    quota.map(|quota| Arc::new(DefaultDirectRateLimiter::direct(quota)))
}

pub(super) async fn not_too_many(State(rate): State<Rate>, request: Request, next: Next) -> Response {
    if let Some(Err(not_until)) = rate.as_deref().map(DefaultDirectRateLimiter::check) {
        let wait = not_until.wait_time_from(DefaultClock::default().now());
        let detail = "there are more requests a second than `requests_per_second` in [api] allows";
        return Problem::new(ProblemKind::TooManyRequests, detail).retry_after(wait).into_response();
    }
    next.run(request).await
}

pub(super) async fn in_time(request: Request, next: Next) -> Response {
    let answered = tokio::time::timeout(IN_ALL, next.run(request)).await;
    answered.unwrap_or_else(|_| {
        let detail = format!("the request was not answered within {} s", IN_ALL.as_secs());
        Problem::new(ProblemKind::TimedOut, detail).into_response()
    })
}
