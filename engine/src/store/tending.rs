//! Keeping an eye on the store's file: what ails it, whether that has passed, and what nobody would notice otherwise.

use std::sync::Arc;

use rusqlite::Connection;

use super::{Store, StoreError, Trouble};

impl Store {
    /// What ails it now.
    pub fn trouble(&self) -> Option<Trouble> {
        self.writer.condition.trouble()
    }

    /// The same in one sentence.
    pub fn problem(&self) -> Option<String> {
        self.trouble().map(|trouble| trouble.to_string())
    }

    /// Resolves with what cannot be mended while the service runs.
    pub async fn broken(&self) -> Trouble {
        self.writer.condition.broken().await
    }

    /// Looks how it is. Where something ails it, something is written: that alone shows whether it has passed. Failing is
    /// remembered like any other's.
    pub async fn tend(&self) {
        if self.trouble().is_some() {
            drop(self.writer.call(|session| write_something(session.db)).await);
            return;
        }
        let condition = Arc::clone(&self.writer.condition);
        let looked = tokio::task::spawn_blocking(move || condition.check().inspect_err(|it| condition.ails(it)));
        drop(looked.await);
    }

    /// Remembers what somebody found who read.
    pub(super) fn noted<T>(&self, read: Result<T, StoreError>) -> Result<T, StoreError> {
        read.inspect_err(|error| self.writer.condition.note_of_reader(error))
    }
}

/// A row that stays as it is is not written, the version in the file's header is.
fn write_something(db: &Connection) -> Result<(), StoreError> {
    db.execute("UPDATE store SET identity = identity", [])?;
    let version: i64 = db.pragma_query_value(None, "user_version", |row| row.get(0))?;
    Ok(db.pragma_update(None, "user_version", version)?)
}
