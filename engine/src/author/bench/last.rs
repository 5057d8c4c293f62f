//! The last time: a small file beside the build.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use super::{Report, Row};
use crate::matcher::Call;

/// What was measured the last time.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Last {
    matcher: String,
    topic: String,
    pub sha256: String,
    batches: Vec<Batch>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Batch {
    call: Call,
    messages: usize,
    ns_per_message: f64,
    fuel_per_message: f64,
}

/// Why it cannot be read or written.
#[derive(Debug, thiserror::Error)]
#[error("cannot use `{}`, which keeps what was measured (hint: remove it)", .path.display())]
pub struct LastError {
    path: PathBuf,
    source: io::Error,
}

impl Last {
    pub(super) fn of(report: &Report) -> Self {
        let batch = |row: &Row| Batch {
            call: row.call,
            messages: row.messages,
            ns_per_message: row.ns_per_message,
            fuel_per_message: row.fuel_per_message,
        };
        Self {
            matcher: report.matcher.clone(),
            topic: report.topic.clone(),
            sha256: report.sha256.clone(),
            batches: report.batches.iter().map(batch).collect(),
        }
    }

    /// Whether a report may be compared with it.
    pub(super) fn is_of(&self, report: &Report) -> bool {
        self.matcher == report.matcher && self.topic == report.topic
    }

    /// Time and fuel of a message in calls of the same kind with as many.
    pub fn costs(&self, row: &Row) -> Option<(f64, f64)> {
        let is_like = |batch: &&Batch| batch.call == row.call && batch.messages == row.messages;
        let batch = self.batches.iter().find(is_like)?;
        Some((batch.ns_per_message, batch.fuel_per_message))
    }

    pub(super) fn read(path: &Path) -> Result<Option<Self>, LastError> {
        let failed = |source| LastError { path: path.to_owned(), source };
        match fs::read(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(failed(error)),
            Ok(bytes) => serde_json::from_slice(&bytes).map(Some).map_err(|error| failed(error.into())),
        }
    }

    pub(super) fn write(&self, path: &Path) -> Result<(), LastError> {
        let failed = |source| LastError { path: path.to_owned(), source };
        let text = serde_json::to_string_pretty(self).map_err(|error| failed(error.into()))?;
        fs::write(path, text + "\n").map_err(failed)
    }
}
