//! Marks tasks in any table: the user's own statement, on a SQLite database of theirs.
//!
//! The statement and the note that it ran (`eventlatch_marks`) are one transaction there, so an attempt that is
//! repeated has no second effect. This is the one place outside `store` that holds SQL, and only for foreign
//! databases. Start at `Database::mark`.

mod statement;

use std::{
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use jiff::Timestamp;
use rusqlite::{Connection, ErrorCode, OpenFlags, Transaction, TransactionBehavior};
use serde::Deserialize;

use self::statement::Values;
use super::{Answer, MarkError, Marked, TaskAdapter};
use crate::domain::mark::Mark;

/// How long a locked database is waited for within one attempt.
const BUSY_TIMEOUT: Duration = Duration::from_secs(2);

/// `[marking.sql]`: a statement on a SQLite database.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The database file. It must exist. The table `eventlatch_marks` is added to it with the first mark.
    pub database: PathBuf,
    /// The statement that marks a task, such as
    /// `UPDATE jobs SET state = :state WHERE day = :business_date AND name = :task_id`. It may use the parameters
    /// `:mark_id`, `:sensor`, `:wait`, `:business_date`, `:task_id`, `:state` (`success`, `failed` or `skipped`), `:target` (JSON) and
    /// those of the message that the mark rests on, null where there is none: `:topic`, `:partition`, `:offset`,
    /// `:matcher`, `:sha256`, `:event_time`, `:arrival`.
    pub statement: String,
    /// How many rows the statement must touch. `one`: exactly one; none means that the task is not there *yet*, and
    /// is tried again; more are refused and undone. `some`: at least one, else it is tried again. `any`: none is fine
    /// too. Default: `one`.
    #[serde(default)]
    pub rows: Rows,
}

/// How many rows a statement must touch.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Rows {
    #[default]
    One,
    Some,
    Any,
}

impl Rows {
    fn check(self, touched: usize) -> Result<(), MarkError> {
        match (self, touched) {
            (Self::Any, _) | (Self::One, 1) | (Self::Some, 1..) => Ok(()),
            (_, 0) => Err(MarkError::retry("the statement found no row yet")),
            (Self::One, more) => {
                Err(MarkError::Reject(format!("the statement touched {more} rows, and `rows = \"one\"` allows one")))
            }
        }
    }
}

/// Marks through a statement.
pub struct SqlAdapter {
    database: Arc<Database>,
}

impl SqlAdapter {
    pub fn new(config: Config, store: &str) -> Self {
        let database = Database { config, store: store.to_owned(), connection: Mutex::new(None) };
        Self { database: Arc::new(database) }
    }

    /// SQLite blocks: it does so on a thread that may.
    fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Database) -> Result<T, MarkError> + Send + 'static,
    ) -> Answer<'static, T> {
        let database = Arc::clone(&self.database);
        Box::pin(async move {
            let done = tokio::task::spawn_blocking(move || work(&database)).await;
            done.unwrap_or_else(|_| Err(MarkError::retry("the attempt broke off")))
        })
    }
}

impl TaskAdapter for SqlAdapter {
    fn mark<'a>(&'a self, mark: &'a Mark) -> Answer<'a, Marked> {
        let mark = mark.clone();
        self.blocking(move |database| database.connected(|connection| database.mark(connection, &mark)))
    }

    fn probe(&self) -> Answer<'_, ()> {
        self.blocking(|database| database.connected(|connection| database.probe(connection)))
    }

    fn name(&self) -> &'static str {
        "sql"
    }

    fn summary(&self) -> String {
        format!("sql: a statement on {}", self.database.config.database.display())
    }
}

struct Database {
    config: Config,
    /// The identity of the store that the marks come from.
    store: String,
    /// Kept open between attempts, dropped with any error.
    connection: Mutex<Option<Connection>>,
}

impl Database {
    fn connected<T>(&self, work: impl FnOnce(&Connection) -> Result<T, Failure>) -> Result<T, MarkError> {
        let mut slot = self.connection.lock().unwrap_or_else(PoisonError::into_inner);
        let run = || {
            let connection = slot.take().map_or_else(|| self.connect(), Ok)?;
            let done = work(&connection)?;
            Ok((connection, done))
        };
        let (connection, done) = run().map_err(Failure::into_mark_error)?;
        *slot = Some(connection);
        Ok(done)
    }

    fn connect(&self) -> Result<Connection, Failure> {
        let path = &self.config.database;
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags)?;
        connection.busy_timeout(BUSY_TIMEOUT)?;
        Ok(connection)
    }

    fn probe(&self, connection: &Connection) -> Result<(), Failure> {
        statement::prepare(connection, &self.config.statement).map(drop)
    }

    /// Runs the statement unless it ran before for this mark.
    fn mark(&self, connection: &Connection, mark: &Mark) -> Result<Marked, Failure> {
        let id = mark.idempotency_key(&self.store);
        let transaction = Transaction::new_unchecked(connection, TransactionBehavior::Immediate)?;
        if !note(&transaction, &id)? {
            return Ok(Marked::Before);
        }
        let touched = statement::run(&transaction, &self.config.statement, &Values { id: &id, mark })?;
        self.config.rows.check(touched)?;
        transaction.commit()?;
        Ok(Marked::Now)
    }
}

/// False: it was noted before.
fn note(transaction: &Transaction<'_>, id: &str) -> rusqlite::Result<bool> {
    let table = "CREATE TABLE IF NOT EXISTS eventlatch_marks (id TEXT PRIMARY KEY, marked_at TEXT NOT NULL)";
    transaction.execute(table, [])?;
    let insert = "INSERT INTO eventlatch_marks (id, marked_at) VALUES (?1, ?2) ON CONFLICT DO NOTHING";
    Ok(transaction.prepare_cached(insert)?.execute([id, &statement::instant(Timestamp::now())])? == 1)
}

/// Whatever went wrong on the way.
enum Failure {
    Sqlite(rusqlite::Error),
    Mark(MarkError),
}

impl From<rusqlite::Error> for Failure {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(error)
    }
}

impl From<MarkError> for Failure {
    fn from(error: MarkError) -> Self {
        Self::Mark(error)
    }
}

impl Failure {
    /// What may pass by itself is tried again: locks, space, permissions, a file that is not there at the moment.
    fn into_mark_error(self) -> MarkError {
        let error = match self {
            Self::Mark(error) => return error,
            Self::Sqlite(error) => error,
        };
        match error.sqlite_error_code() {
            Some(
                ErrorCode::DatabaseBusy
                | ErrorCode::DatabaseLocked
                | ErrorCode::DiskFull
                | ErrorCode::SystemIoFailure
                | ErrorCode::CannotOpen
                | ErrorCode::ReadOnly
                | ErrorCode::PermissionDenied
                | ErrorCode::OutOfMemory
                | ErrorCode::FileLockingProtocolFailed
                | ErrorCode::SchemaChanged,
            ) => MarkError::retry(error.to_string()),
            _ => MarkError::Reject(error.to_string()),
        }
    }
}

#[cfg(test)]
mod tests;
