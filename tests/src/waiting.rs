//! Waiting for a condition, with a deadline that reports the last state.

use std::{
    thread,
    time::{Duration, Instant},
};

const PAUSE: Duration = Duration::from_millis(20);

/// Asks until there is an answer. What is not there yet is said by the error, and shown when the deadline passes.
#[track_caller]
pub fn wait_for<T>(what: &str, deadline: Duration, mut ask: impl FnMut() -> Result<T, String>) -> T {
    let until = Instant::now() + deadline;
    loop {
        match ask() {
            Ok(answer) => return answer,
            Err(state) => assert!(Instant::now() < until, "waited {deadline:?} for {what}; last: {state}"),
        }
        thread::sleep(PAUSE);
    }
}

/// [`wait_for`] without blocking the runtime.
pub async fn wait_until<T>(what: &str, deadline: Duration, mut ask: impl AsyncFnMut() -> Result<T, String>) -> T {
    let until = Instant::now() + deadline;
    loop {
        match ask().await {
            Ok(answer) => return answer,
            Err(state) => assert!(Instant::now() < until, "waited {deadline:?} for {what}; last: {state}"),
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// [`wait_for`] with a deadline that begins anew whenever something moves: the work takes as long as the machine needs. An
/// error says how far it is, and the state.
#[track_caller]
pub fn wait_while_moving<T>(what: &str, stall: Duration, mut ask: impl FnMut() -> Result<T, (String, String)>) -> T {
    let (mut until, mut seen) = (Instant::now() + stall, String::new());
    loop {
        match ask() {
            Ok(answer) => return answer,
            Err((far, _)) if far != seen => (until, seen) = (Instant::now() + stall, far),
            Err((far, state)) => {
                assert!(
                    Instant::now() < until,
                    "waiting for {what}, nothing moved for {stall:?}: {far}; last: {state}"
                );
            }
        }
        thread::sleep(PAUSE);
    }
}
