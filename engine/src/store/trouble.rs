//! What ails a store, in words with the remedy: and whether it can be mended while the service runs.
//!
//! Whoever fails for one of these reasons gets a [`Trouble`] for an answer, whatever SQLite called it.

use std::{
    fmt,
    path::{Path, PathBuf},
    sync::Arc,
};

use rusqlite::{ErrorCode, ffi};
use rustix::fs::{StatVfsMountFlags, statvfs};

use super::error::StoreError;

/// Why a store cannot be read or written now, or any more.
#[derive(Debug, Clone)]
pub struct Trouble {
    pub ailment: Ailment,
    path: PathBuf,
    source: Option<Arc<rusqlite::Error>>,
}

/// What it may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ailment {
    Full,
    Locked,
    ReadOnly,
    /// Its file is not where it was.
    Gone,
    /// The disk fails otherwise.
    Disk,
    Memory,
    /// Another file is where it was.
    Replaced,
    Damaged,
}

impl Trouble {
    pub(super) fn new(ailment: Ailment, path: &Path) -> Self {
        Self { ailment, path: path.to_owned(), source: None }
    }

    /// Whether it can be mended while the service runs.
    pub fn passes(&self) -> bool {
        !matches!(self.ailment, Ailment::Replaced | Ailment::Damaged)
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.path.display();
        match self.ailment {
            Ailment::Full => write!(f, "there is no space left for the store {path}: make room on its disk"),
            Ailment::Locked => write!(
                f,
                "another program keeps the store {path} locked: let it end what it does there (hint: `fuser {path}`)"
            ),
            Ailment::ReadOnly => {
                write!(f, "the store {path} may not be written: make file, directory and disk writable")
            }
            Ailment::Gone => {
                write!(f, "the store {path} is not there any more: move it back, or stop and restore a backup")
            }
            Ailment::Disk => write!(f, "the disk of the store {path} fails: see to it"),
            Ailment::Memory => write!(f, "there is no memory left for the store {path}"),
            Ailment::Replaced => write!(
                f,
                "other files have taken the place of the store {path}: start again to go on with what is there now"
            ),
            Ailment::Damaged => write!(
                f,
                "the store {path} is damaged: restore a backup (hint: `eventlatch store check` says what is wrong)"
            ),
        }
    }
}

impl std::error::Error for Trouble {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}

/// Says what ails the file where an error comes from that; other errors stay as they are.
pub(super) fn explained(error: StoreError, path: &Path) -> StoreError {
    match error {
        StoreError::Sqlite(source) => match ailment(&source, path) {
            Some(ailment) => Trouble { ailment, path: path.to_owned(), source: Some(Arc::new(source)) }.into(),
            None => StoreError::Sqlite(source),
        },
        other => other,
    }
}

fn ailment(error: &rusqlite::Error, path: &Path) -> Option<Ailment> {
    let found = error.sqlite_error()?;
    Some(match found.code {
        ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked | ErrorCode::FileLockingProtocolFailed => Ailment::Locked,
        ErrorCode::DiskFull => Ailment::Full,
        ErrorCode::ReadOnly | ErrorCode::PermissionDenied => match found.extended_code {
            ffi::SQLITE_READONLY_DBMOVED => Ailment::Replaced,
            _ => Ailment::ReadOnly,
        },
        ErrorCode::SystemIoFailure | ErrorCode::CannotOpen => of_disk(path),
        ErrorCode::OutOfMemory => Ailment::Memory,
        ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase => Ailment::Damaged,
        _ => return None,
    })
}

/// SQLite does not say why writing failed, the file system does.
fn of_disk(path: &Path) -> Ailment {
    let directory = path.parent().filter(|it| !it.as_os_str().is_empty()).unwrap_or(Path::new("."));
    match statvfs(directory) {
        Ok(disk) if disk.f_flag.contains(StatVfsMountFlags::RDONLY) => Ailment::ReadOnly,
        Ok(disk) if disk.f_bavail == 0 => Ailment::Full,
        _ => Ailment::Disk,
    }
}
