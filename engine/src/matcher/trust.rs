//! How far a generation is trusted: how often it faulted lately, and whether it may keep ordinary workers busy.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Instant,
};

use super::{pace::Pace, recent::Recent};

/// What is remembered of a generation. Shared by all who ask it.
#[derive(Debug, Default)]
pub struct Trust {
    /// Messages on which it faulted.
    pub faults: Recent,
    pace: Mutex<Pace>,
}

impl Trust {
    /// Notes whether it came to an end in time with what it was asked.
    pub fn note_time(&self, in_time: bool) {
        let mut pace = self.pace();
        if in_time { pace.was_in_time(Instant::now()) } else { pace.took_too_long() }
    }

    /// Whether it runs aside, where it keeps nobody else waiting.
    pub fn is_aside(&self) -> bool {
        self.pace().is_aside()
    }

    fn pace(&self) -> MutexGuard<'_, Pace> {
        self.pace.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
