//! How many of the recent messages something was wrong with.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Counted over the last so many messages, and up to as many before them.
const RECENT: usize = 1_000;

/// A count over the recent messages. Shared by all who judge.
#[derive(Debug, Default)]
pub struct Recent(Mutex<Counts>);

#[derive(Debug, Default)]
struct Counts {
    now: Count,
    before: Count,
}

#[derive(Debug, Default, Clone, Copy)]
struct Count {
    messages: usize,
    wrong: usize,
}

impl Recent {
    /// What the count is with so many more.
    pub fn with(&self, wrong: usize) -> usize {
        let counts = self.counts();
        counts.now.wrong + counts.before.wrong + wrong
    }

    /// Notes so many messages, with some of which something was wrong.
    pub fn note(&self, messages: usize, wrong: usize) {
        let mut counts = self.counts();
        counts.now.messages += messages;
        counts.now.wrong += wrong;
        if counts.now.messages >= RECENT {
            counts.before = std::mem::take(&mut counts.now);
        }
    }

    fn counts(&self) -> MutexGuard<'_, Counts> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_long_ago_is_forgotten() {
        let recent = Recent::default();
        recent.note(100, 3);
        assert_eq!(recent.with(2), 5);
        recent.note(RECENT, 1);
        assert_eq!(recent.with(0), 4, "the thousand messages before count");
        recent.note(RECENT, 0);
        assert_eq!(recent.with(0), 0);
    }
}
