//! How hard a story is.
//!
//! `EVENTLATCH_TEST_SCALE=full` asks for all that the project promises; each number can be set alone, for instance with
//! `EVENTLATCH_TEST_KILLS=500`. What a story does at random follows from `EVENTLATCH_TEST_SEED`.

use std::{env, time::Duration};

/// A number of a story: its name, in `make test`, in `make chaos`.
pub(crate) fn number(name: &str, short: usize, full: usize) -> usize {
    match set(name) {
        Some(number) => number as usize,
        None if is_full() => full,
        None => short,
    }
}

pub(crate) fn seconds(name: &str, short: usize, full: usize) -> Duration {
    Duration::from_secs(number(name, short, full) as u64)
}

/// Where random numbers begin; it is said, so that a run can be repeated.
pub(super) fn seed() -> u64 {
    let seed = set("SEED").unwrap_or_else(|| fastrand::u64(..));
    println!("EVENTLATCH_TEST_SEED={seed}");
    seed
}

fn is_full() -> bool {
    env::var("EVENTLATCH_TEST_SCALE").is_ok_and(|scale| scale == "full")
}

fn set(name: &str) -> Option<u64> {
    let name = format!("EVENTLATCH_TEST_{name}");
    let text = env::var(&name).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{name} is a number, not `{text}`")))
}
