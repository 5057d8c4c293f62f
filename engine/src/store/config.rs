//! `[store]` of the configuration, and what others decide about a store.

use std::path::PathBuf;

use crate::domain::ordering::Order;

/// `[store]`: where everything is kept.
#[derive(Debug, Clone, PartialEq, Eq, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// The SQLite database file. It is created where there is none; its directory must exist, on a local disk. Beside
    /// it SQLite keeps `PATH-wal` and `PATH-shm`, and `PATH.lock` keeps a second process out. Default:
    /// `eventlatch.db`.
    pub path: PathBuf,
    /// What was over longer ago is forgotten: ended waits, matches, near misses, messages that were set aside. 0: nothing
    /// is. Default: 400, a year and a bit.
    pub retention_days: u32,
}

impl Default for Config {
    fn default() -> Self {
        Self { path: PathBuf::from("eventlatch.db"), retention_days: 400 }
    }
}

/// Who tells the tasks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MarkMode {
    /// The store itself, in its `tasks` table and in the transaction that records the match.
    Local,
    /// An adapter, later and in this order: marks stay pending until [`super::Store::resolve`].
    Outbox(Order),
}
