//! How far a generation is trusted: how often it faulted lately, and whether it may keep ordinary workers busy.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use super::pace::Pace;

/// Faults are counted over the last so many messages, and up to as many before them.
const RECENT: usize = 1_000;

/// What is remembered of a generation. Shared by all who ask it.
#[derive(Debug)]
pub struct Trust {
    since: Instant,
    memory: Mutex<Memory>,
}

#[derive(Debug, Default)]
struct Memory {
    now: Count,
    before: Count,
    pace: Pace,
}

#[derive(Debug, Default, Clone, Copy)]
struct Count {
    messages: usize,
    faults: usize,
}

impl Default for Trust {
    fn default() -> Self {
        Self { since: Instant::now(), memory: Mutex::default() }
    }
}

impl Trust {
    /// How long the generation has been there.
    pub fn age(&self) -> Duration {
        self.since.elapsed()
    }

    /// Notes that it judged so many messages and faulted on some, unless it did so on more than `tolerated` of the
    /// recent ones: then nothing is noted and the answer is how many that are.
    pub fn note(&self, messages: usize, faults: usize, tolerated: usize) -> Result<(), usize> {
        let mut memory = self.memory();
        let recent = memory.now.faults + memory.before.faults + faults;
        if faults > 0 && recent > tolerated {
            return Err(recent);
        }
        memory.now.messages += messages;
        memory.now.faults += faults;
        if memory.now.messages >= RECENT {
            memory.before = std::mem::take(&mut memory.now);
        }
        Ok(())
    }

    /// Notes whether it came to an end in time with what it was asked.
    pub fn note_time(&self, in_time: bool) {
        let pace = &mut self.memory().pace;
        if in_time { pace.was_in_time(Instant::now()) } else { pace.took_too_long() }
    }

    /// Whether it runs aside, where it keeps nobody else waiting.
    pub fn is_aside(&self) -> bool {
        self.memory().pace.is_aside()
    }

    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_faults_in_few_messages_are_not_tolerated() {
        let trust = Trust::default();
        assert_eq!(trust.note(100, 3, 5), Ok(()));
        assert_eq!(trust.note(100, 3, 5), Err(6));
        assert_eq!(trust.note(100, 2, 5), Ok(()), "what was not tolerated is not counted");
        assert_eq!(trust.note(100, 0, 0), Ok(()), "without a fault there is nothing to tolerate");
    }

    #[test]
    fn faults_of_long_ago_are_forgotten() {
        let trust = Trust::default();
        assert_eq!(trust.note(RECENT, 5, 5), Ok(()));
        assert_eq!(trust.note(RECENT - 1, 1, 5), Err(6));
        assert_eq!(trust.note(RECENT, 0, 5), Ok(()));
        assert_eq!(trust.note(RECENT, 5, 5), Ok(()));
    }

    #[test]
    fn who_took_too_long_runs_aside() {
        let trust = Trust::default();
        trust.note_time(true);
        assert!(!trust.is_aside());
        trust.note_time(false);
        assert!(trust.is_aside());
    }
}
