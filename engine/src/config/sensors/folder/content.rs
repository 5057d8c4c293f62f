//! The content of a file, and whether it is another one than before.

use std::{
    fs, io,
    os::unix::fs::MetadataExt,
    path::Path,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use sha2::{Digest, Sha256};

/// A stamp as young as this proves nothing: the clock of a file system may not have ticked between two writes.
const YOUNG: Duration = Duration::from_secs(2);

/// What a file was when it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Seen {
    /// Spares reading the file again; none: it was too young, or could not be read.
    stamp: Option<Stamp>,
    hash: [u8; 32],
}

/// What changes with every write and every rename.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stamp {
    device: u64,
    inode: u64,
    length: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

impl Stamp {
    pub(super) fn of(metadata: &fs::Metadata) -> Option<Self> {
        let stamp = Self {
            device: metadata.dev(),
            inode: metadata.ino(),
            length: metadata.len(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
        };
        let changed = UNIX_EPOCH + Duration::from_secs(u64::try_from(stamp.changed.0).ok()?);
        let age = SystemTime::now().duration_since(changed).unwrap_or_default();
        Some(stamp).filter(|_| age > YOUNG)
    }
}

/// The text of a file, or why it cannot be read.
pub(super) type Text = Result<String, io::Error>;

impl Seen {
    /// Whether a file with this stamp is surely the same, without reading it.
    pub(super) fn stands(&self, stamp: Option<Stamp>) -> bool {
        stamp.is_some() && self.stamp == stamp
    }

    pub(super) fn has_content_of(&self, other: &Self) -> bool {
        self.hash == other.hash
    }
}

/// Reads a file whose stamp was taken before, so that a write in between is found the next time. None: there is none.
pub(super) fn read(path: &Path, stamp: Option<Stamp>) -> Option<(Seen, Text)> {
    let text = fs::read_to_string(path);
    match &text {
        Ok(it) => Some((Seen { stamp, hash: Sha256::digest(it).into() }, text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => Some((Seen { stamp: None, hash: Sha256::digest(error.to_string()).into() }, text)),
    }
}
