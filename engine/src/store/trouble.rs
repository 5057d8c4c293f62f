//! Whether changes can be committed now: what the last group of changes came to.

use std::sync::{Mutex, MutexGuard, PoisonError};

use super::error::StoreError;

/// Shared between the writer's thread, which notes, and whoever wants to know.
#[derive(Debug, Default)]
pub(super) struct Trouble(Mutex<Option<String>>);

impl Trouble {
    /// What SQLite had against a group of changes; none: they are committed.
    pub(super) fn note(&self, reason: Option<&rusqlite::Error>) {
        *self.lock() = reason.map(ToString::to_string);
    }

    /// In one sentence.
    pub(super) fn problem(&self) -> Option<String> {
        self.lock().as_ref().map(|reason| format!("the store takes nothing: {reason}"))
    }

    fn lock(&self) -> MutexGuard<'_, Option<String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What SQLite had against one of the requests of a group.
pub(super) fn of(outcomes: &[Result<(), StoreError>]) -> Option<&rusqlite::Error> {
    outcomes.iter().find_map(|outcome| match outcome {
        Err(StoreError::Sqlite(error)) => Some(error),
        _ => None,
    })
}
