//! How far a generation is trusted: how often it faulted lately, and whether it may keep ordinary workers busy.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use super::recent::Recent;

/// How long a generation runs aside after it took too long.
const ASIDE: Duration = Duration::from_secs(60);

/// What is remembered of a generation. Shared by all who ask it.
#[derive(Debug, Default)]
pub struct Trust {
    /// Messages on which it faulted.
    pub faults: Recent,
    aside_until: Mutex<Option<Instant>>,
}

impl Trust {
    /// Notes that it took longer than it may.
    pub fn took_too_long(&self) {
        *self.aside_until() = Some(Instant::now() + ASIDE);
    }

    /// Whether it runs aside, where it keeps nobody else waiting.
    pub fn is_aside(&self) -> bool {
        self.aside_until().is_some_and(|until| Instant::now() < until)
    }

    fn aside_until(&self) -> MutexGuard<'_, Option<Instant>> {
        self.aside_until.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_took_too_long_runs_aside() {
        let trust = Trust::default();
        assert!(!trust.is_aside());
        trust.took_too_long();
        assert!(trust.is_aside());
    }
}
