//! What can go wrong with the store. Nothing here is swallowed: a full disk reaches whoever recorded.

use std::{path::PathBuf, sync::Arc};

use super::trouble::Trouble;

/// Why the store did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error("cannot open the store {path}")]
    Open {
        path: PathBuf,
        #[source]
        source: rusqlite::Error,
    },
    #[error("there is no directory for the store {path} (hint: make it, or give another `[store] path`)")]
    NoDirectory { path: PathBuf },
    #[error("cannot lock the store by {path} (hint: may its directory be written?)")]
    Lock {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
    #[error("the store {path} was taken away while it was opened")]
    Lost {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
    #[error(
        "the store {path} is in use by another process: stop that one, give this one another `[store] path`, or \
         let it wait by `eventlatch run --standby`"
    )]
    Busy { path: PathBuf },
    #[error(
        "{path} is no eventlatch store (its application id is {found:#010x}, ours {ours:#010x}): \
         give another `[store] path`"
    )]
    Foreign { path: PathBuf, found: i32, ours: i32 },
    #[error("{path} is no SQLite database: give another `[store] path`")]
    NotADatabase { path: PathBuf },
    #[error(
        "the store {path} has schema version {found}, this eventlatch knows versions up to {supported}: \
         use the newer eventlatch that wrote it, or restore a backup"
    )]
    Newer { path: PathBuf, found: i64, supported: i64 },
    #[error(
        "the store {path} has schema version {found}, this eventlatch reads version {supported}: \
         start `eventlatch run` once to migrate it"
    )]
    Older { path: PathBuf, found: i64, supported: i64 },
    #[error("there is no store at {path}: `eventlatch run` makes one")]
    Missing { path: PathBuf },
    #[error("the sensor `{sensor}` names the unknown time zone `{timezone}`")]
    Timezone { sensor: String, timezone: String },
    #[error(transparent)]
    Trouble(#[from] Trouble),
    #[error("the store cannot be read or written")]
    Sqlite(#[from] rusqlite::Error),
    #[error("a group of changes could not be committed")]
    Commit(#[source] Arc<StoreError>),
    #[error("the store's thread could not be started")]
    Thread(#[source] std::io::Error),
    #[error("the store came upon a defect of its own")]
    Panicked,
    #[error("the store is closed")]
    Closed,
}

impl StoreError {
    /// Whether it is worth asking again: what is wrong can be mended while the service runs.
    pub fn passes(&self) -> bool {
        matches!(self, Self::Trouble(trouble) if trouble.passes())
    }

    /// For one of several whom it concerns.
    pub(super) fn shared(error: &Arc<Self>) -> Self {
        match &**error {
            Self::Trouble(trouble) => trouble.clone().into(),
            _ => Self::Commit(Arc::clone(error)),
        }
    }
}
