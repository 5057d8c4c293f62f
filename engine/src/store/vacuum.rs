//! Gives the space back that a store holds free.
//!
//! A store uses its free pages again by itself; this is for after much was forgotten at once. It writes the file anew, so
//! no service may have it meanwhile.

use std::{
    fs,
    path::{Path, PathBuf},
};

use rusqlite::Connection;
use serde::{Deserialize, Serialize};

use super::{database, error::StoreError, trouble::explained};

/// What writing a store anew came to, in bytes on the disk.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Vacuumed {
    pub path: PathBuf,
    pub bytes_before: u64,
    pub bytes: u64,
    pub gained: u64,
}

/// Writes a store anew, without what is free in it. Needs room for a second copy meanwhile.
pub fn vacuum(path: &Path) -> Result<Vacuumed, StoreError> {
    let (connection, _lock) = database::open_alone(path)?;
    let write_anew = || {
        checkpoint(&connection)?;
        let bytes_before = size(path);
        connection.execute_batch("VACUUM; PRAGMA optimize")?;
        checkpoint(&connection)?;
        let bytes = size(path);
        Ok(Vacuumed { path: path.to_owned(), bytes_before, bytes, gained: bytes_before.saturating_sub(bytes) })
    };
    write_anew().map_err(|error: rusqlite::Error| explained(error.into(), path))
}

/// Brings what lies in the log of commits into the file.
fn checkpoint(connection: &Connection) -> rusqlite::Result<()> {
    connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
}

pub(super) fn size(path: &Path) -> u64 {
    fs::metadata(path).map_or(0, |metadata| metadata.len())
}
