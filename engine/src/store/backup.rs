//! A copy of the store as it is at one moment, made while a service writes.
//!
//! One read transaction holds that moment: the copy is whole however long it takes, and nobody who writes waits for it. It
//! appears under its name once it is there and was looked through.

use std::{
    fs::File,
    io,
    path::{Path, PathBuf},
    thread,
    time::Duration,
};

use rusqlite::{
    Connection,
    backup::{Backup, StepResult},
};
use serde::{Deserialize, Serialize};

use super::{database, error::StoreError, trouble::explained};

/// So many pages are copied between two looks at how far it is.
const PAGES: i32 = 4_096;

const PAUSE: Duration = Duration::from_millis(50);

/// A backup that was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackedUp {
    pub path: PathBuf,
    pub bytes: u64,
    /// The name of the store, which its copy bears too.
    pub identity: String,
    pub schema: i64,
}

/// Why there is no backup.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("{} is there already: name another file, or let it be replaced by `--force`", .0.display())]
    Exists(PathBuf),
    #[error("{} is the store itself: name another file", .0.display())]
    Itself(PathBuf),
    #[error("there is no directory for the backup {}: make it, or name another file", .0.display())]
    NoDirectory(PathBuf),
    #[error("the backup {} cannot be written", .path.display())]
    Write {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("the backup {} cannot be written", .path.display())]
    Copy {
        path: PathBuf,
        #[source]
        source: StoreError,
    },
    #[error("the store is damaged and was not copied: {0} (hint: `eventlatch store check`)")]
    Damaged(String),
}

/// Copies a store to a file; one that is there is left alone unless it may be replaced.
pub fn back_up(store: &Path, to: &Path, replace: bool) -> Result<BackedUp, BackupError> {
    if is_same(store, to) {
        return Err(BackupError::Itself(to.to_owned()));
    }
    if to.exists() && !replace {
        return Err(BackupError::Exists(to.to_owned()));
    }
    let (source, schema) = database::open_of_any_version(store)?;
    let cannot_write = |source| BackupError::Write { path: to.to_owned(), source };
    let directory = to.parent().filter(|it| !it.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if !directory.is_dir() {
        return Err(BackupError::NoDirectory(to.to_owned()));
    }
    // Nobody else may read it, as it holds messages; it goes away again where this ends with an error.
    let unfinished = tempfile::Builder::new().prefix(".eventlatch-backup-").tempfile_in(directory);
    let unfinished = unfinished.map_err(cannot_write)?;
    let identity = copy(&source, unfinished.path(), to)?;
    let bytes = unfinished.as_file().metadata().map_err(cannot_write)?.len();
    let persisted = if replace { unfinished.persist(to) } else { unfinished.persist_noclobber(to) };
    persisted.map_err(|failed| match failed.error.kind() {
        io::ErrorKind::AlreadyExists => BackupError::Exists(to.to_owned()),
        _ => cannot_write(failed.error),
    })?;
    File::open(directory).and_then(|directory| directory.sync_all()).map_err(cannot_write)?;
    Ok(BackedUp { path: to.to_owned(), bytes, identity, schema })
}

fn is_same(store: &Path, to: &Path) -> bool {
    matches!((store.canonicalize(), to.canonicalize()), (Ok(store), Ok(to)) if store == to)
}

/// Copies and looks the copy through. The answer is its identity.
fn copy(source: &Connection, unfinished: &Path, to: &Path) -> Result<String, BackupError> {
    let cannot_copy = |source| BackupError::Copy { path: to.to_owned(), source };
    let moment = source.unchecked_transaction().map_err(StoreError::from)?;
    database::identity(&moment)?;
    let mut copy = database::open_empty(unfinished).map_err(cannot_copy)?;
    copy_pages(&moment, &mut copy).map_err(|error| cannot_copy(explained(error.into(), to)))?;
    let look_through = || {
        // One file, also where nobody may write beside it.
        copy.pragma_update_and_check(None, "journal_mode", "DELETE", |_| Ok(()))?;
        copy.pragma_query_value(None, "quick_check", |row| row.get::<_, String>(0))
    };
    match look_through().map_err(|error| cannot_copy(error.into()))? {
        fine if fine == "ok" => Ok(database::identity(&copy)?),
        damage => Err(BackupError::Damaged(damage)),
    }
}

fn copy_pages(from: &Connection, to: &mut Connection) -> rusqlite::Result<()> {
    let backup = Backup::new(from, to)?;
    loop {
        match backup.step(PAGES)? {
            StepResult::Done => return Ok(()),
            // Somebody else holds the source for a moment, as one does that recovers it.
            StepResult::Busy | StepResult::Locked => thread::sleep(PAUSE),
            _ => {}
        }
    }
}
