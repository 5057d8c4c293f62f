//! A log whose calls block, read by who must not.

use super::CatchUpError;
use crate::source::{Log, SourceError};

/// An open log.
pub(super) struct Reading(Option<Box<dyn Log>>);

impl Reading {
    pub(super) fn new(log: Box<dyn Log>) -> Self {
        Self(Some(log))
    }

    /// Asks the log, aside. (A question that is not waited for any more is answered all the same: the log is gone then.)
    pub(super) async fn ask<T: Send + 'static>(
        &mut self,
        ask: impl FnOnce(&mut dyn Log) -> Result<T, SourceError> + Send + 'static,
    ) -> Result<T, CatchUpError> {
        let mut log = self.0.take().ok_or(CatchUpError::Defect)?;
        let asking = tokio::task::spawn_blocking(move || {
            let answer = ask(&mut *log);
            (log, answer)
        });
        let (log, answer) = asking.await.map_err(|_| CatchUpError::Defect)?;
        self.0 = Some(log);
        Ok(answer?)
    }
}

impl Drop for Reading {
    fn drop(&mut self) {
        // To let go of a connection takes a moment.
        if let Some(log) = self.0.take() {
            tokio::task::spawn_blocking(move || drop(log));
        }
    }
}
