//! How the store is: well, or what ails it. Said in the log once when it changes, and to whoever asks.
//!
//! SQLite goes on writing into a file that was removed or replaced, and nobody would ever find that again. So the files are
//! compared with those that were opened, before every commit and from time to time.

use std::{
    fs, io,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use tokio::sync::watch;

use super::{
    error::StoreError,
    trouble::{Ailment, Trouble, explained},
};

/// Shared by all who read or write the store.
pub(super) struct Condition {
    path: PathBuf,
    file: FileId,
    /// Where commits go first.
    log: (PathBuf, FileId),
    trouble: watch::Sender<Option<Trouble>>,
}

/// Device and inode: what a file is, whatever its name.
type FileId = (u64, u64);

impl Condition {
    /// Of a store that has been opened, and written or read since.
    pub(super) fn new(path: &Path) -> io::Result<Self> {
        let log = log_path(path);
        Ok(Self {
            file: id(path)?,
            log: (log.clone(), id(&log)?),
            path: path.to_owned(),
            trouble: watch::Sender::new(None),
        })
    }

    pub(super) fn trouble(&self) -> Option<Trouble> {
        self.trouble.borrow().clone()
    }

    /// Resolves with what can not be mended while the service runs.
    pub(super) async fn broken(&self) -> Trouble {
        let mut trouble = self.trouble.subscribe();
        loop {
            if let Some(trouble) = trouble.borrow_and_update().clone().filter(|it| !it.passes()) {
                return trouble;
            }
            // It cannot end: we hold the other end.
            drop(trouble.changed().await);
        }
    }

    /// Whether the files are those that were opened.
    pub(super) fn check(&self) -> Result<(), Trouble> {
        let (log, log_id) = &self.log;
        let ailment = match (id(&self.path), id(log)) {
            (Ok(file), Ok(log)) if file == self.file && log == *log_id => return Ok(()),
            (Err(error), _) => gone(&error),
            _ => Ailment::Replaced,
        };
        Err(Trouble::new(ailment, &self.path))
    }

    /// Whether the store's own file is still in its place, and whole.
    pub(super) fn may_be_tidied_up(&self) -> bool {
        let damaged = self.trouble().is_some_and(|trouble| trouble.ailment == Ailment::Damaged);
        !damaged && id(&self.path).is_ok_and(|id| id == self.file)
    }

    /// Says what ails the store where that is why something failed.
    pub(super) fn explained(&self, error: StoreError) -> StoreError {
        explained(error, &self.path)
    }

    /// Remembers what ails the store, if that is what an error says.
    pub(super) fn note(&self, error: &StoreError) {
        if let StoreError::Trouble(trouble) = error {
            self.ails(trouble);
        }
    }

    /// The same by somebody who only reads: what passes is the writer's to say, who also knows when it has passed.
    pub(super) fn note_of_reader(&self, error: &StoreError) {
        if let StoreError::Trouble(trouble) = error
            && !trouble.passes()
        {
            self.ails(trouble);
        }
    }

    pub(super) fn ails(&self, trouble: &Trouble) {
        let is_news = self.trouble.send_if_modified(|known| {
            // What is broken stays broken, whatever else goes wrong.
            let stays = known.as_ref().is_some_and(|known| known.ailment == trouble.ailment || !known.passes());
            known.get_or_insert_with(|| trouble.clone());
            if !stays {
                *known = Some(trouble.clone());
            }
            !stays
        });
        if is_news {
            let (error, waits) = (trouble as &dyn std::error::Error, trouble.passes());
            match waits {
                true => tracing::error!(error, "The store fails; what is to be recorded waits"),
                false => tracing::error!(error, "The store fails for good; nothing more is recorded"),
            }
        }
    }

    /// Something was written.
    pub(super) fn is_well(&self) {
        let was_ill = |known: &mut Option<Trouble>| known.take_if(|known| known.passes()).is_some();
        if self.trouble.send_if_modified(was_ill) {
            tracing::info!("The store works again");
        }
    }
}

/// Where SQLite keeps commits that are not in the file yet.
pub(super) fn log_path(path: &Path) -> PathBuf {
    let mut log = path.as_os_str().to_owned();
    log.push("-wal");
    PathBuf::from(log)
}

fn gone(error: &io::Error) -> Ailment {
    match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => Ailment::Gone,
        io::ErrorKind::PermissionDenied => Ailment::ReadOnly,
        _ => Ailment::Disk,
    }
}

fn id(path: &Path) -> io::Result<FileId> {
    let metadata = fs::metadata(path)?;
    Ok((metadata.dev(), metadata.ino()))
}
