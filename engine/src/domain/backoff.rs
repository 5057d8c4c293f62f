//! When to try again: later and later, up to a limit, and not all at once.

use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBuilder};
use serde::Deserialize;

/// Beyond so many attempts the pause has long been at its limit.
const GROWTH: usize = 64;

/// `[marking.backoff]`, and wherever else something is tried again: each pause is twice the one before, with up to as much again at random, and never above the
/// limit by more than that.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Backoff {
    /// Seconds before the second attempt. Default: 1.
    pub first_seconds: f64,
    /// Seconds that a pause grows to at most. Default: 300.
    pub limit_seconds: f64,
}

impl Default for Backoff {
    fn default() -> Self {
        Self { first_seconds: 1.0, limit_seconds: 300.0 }
    }
}

impl Backoff {
    /// The pause after an attempt that failed, `attempts` having been made before it. The same arguments always give
    /// the same pause; `seed` (such as a mark's number) spreads those of many.
    pub fn pause(&self, attempts: u32, seed: u64) -> Duration {
        let limit = seconds(self.limit_seconds);
        let pauses = ExponentialBuilder::new()
            .with_min_delay(seconds(self.first_seconds).min(limit))
            .with_max_delay(limit)
            .with_factor(2.0)
            .without_max_times()
            .with_jitter()
            .with_jitter_seed(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ u64::from(attempts));
        pauses.build().nth(GROWTH.min(attempts as usize)).unwrap_or(limit)
    }
}

/// What makes no sense as a pause is a short one.
fn seconds(seconds: f64) -> Duration {
    Duration::try_from_secs_f64(seconds).unwrap_or_default().max(Duration::from_millis(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_a_limit() {
        let backoff = Backoff { first_seconds: 1.0, limit_seconds: 60.0 };
        let check = |attempts, at_least: u64| {
            let pause = backoff.pause(attempts, 7);
            let range = Duration::from_secs(at_least)..=Duration::from_secs(2 * at_least);
            assert!(range.contains(&pause), "{pause:?} after {attempts} is not in {range:?}");
        };
        check(0, 1);
        check(1, 2);
        check(2, 4);
        check(5, 32);
        check(6, 60);
        check(1_000_000, 60);
        check(u32::MAX, 60);
    }

    #[test]
    fn the_same_mark_always_pauses_the_same_and_others_do_not() {
        let backoff = Backoff::default();
        assert_eq!(backoff.pause(3, 1), backoff.pause(3, 1));
        assert_ne!(backoff.pause(3, 1), backoff.pause(3, 2));
    }

    #[test]
    fn nonsense_is_a_short_pause() {
        let backoff = Backoff { first_seconds: f64::NAN, limit_seconds: -1.0 };
        assert!(backoff.pause(9, 1) <= Duration::from_millis(2));
    }
}
