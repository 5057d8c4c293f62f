//! How far a generation is trusted: how often it faulted lately, and whether it may keep ordinary workers busy.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

/// Faults are counted over the last so many messages, and up to as many before them.
const RECENT: usize = 1_000;

/// How long a generation runs aside after it took too long.
const ASIDE: Duration = Duration::from_secs(60);

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
    aside_until: Option<Instant>,
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

    /// Notes that it took longer than it may.
    pub fn took_too_long(&self) {
        self.memory().aside_until = Some(Instant::now() + ASIDE);
    }

    /// Whether it runs aside, where it keeps nobody else waiting.
    pub fn is_aside(&self) -> bool {
        self.memory().aside_until.is_some_and(|until| Instant::now() < until)
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
        assert!(!trust.is_aside());
        trust.took_too_long();
        assert!(trust.is_aside());
    }
}
