//! What fails for now is asked again: to go on without a store's answer would skip what it did not take.

use std::{error::Error, time::Duration};

use tokio::sync::watch;

use crate::store::StoreError;

/// How long the store is left alone after it failed.
const PAUSE: Duration = Duration::from_millis(500);

/// How long a matcher is left alone that could not be asked what it waits for.
pub(super) const MATCHER_PAUSE: Duration = Duration::from_secs(1);

/// Whether there is time to ask again. It ends when the service stops: what is not recorded then is read again.
#[derive(Clone)]
pub struct Patience(watch::Sender<bool>);

impl Default for Patience {
    fn default() -> Self {
        Self(watch::Sender::new(true))
    }
}

impl Patience {
    pub fn end(&self) {
        self.0.send_replace(false);
    }

    /// Asks until there is an answer, or an error that does not pass. The store itself says in the log what ails it.
    pub(super) async fn patiently<T, E, F>(&self, ask: impl Fn() -> F) -> Result<T, E>
    where
        E: Error + 'static,
        F: Future<Output = Result<T, E>>,
    {
        loop {
            match ask().await {
                Err(error) if passes(&error) && self.pause().await => {
                    tracing::debug!(error = &error as &dyn Error, "The store is asked again");
                }
                done => return done,
            }
        }
    }

    /// Waits for a moment. False: there is no more time.
    async fn pause(&self) -> bool {
        let mut lasts = self.0.subscribe();
        tokio::time::timeout(PAUSE, lasts.wait_for(|lasts| !lasts)).await.is_err()
    }
}

/// What stands in front of a store's error is only where it was met.
fn passes(error: &(dyn Error + 'static)) -> bool {
    match error.downcast_ref::<StoreError>() {
        Some(error) => error.passes(),
        None => error.source().is_some_and(passes),
    }
}

/// Tells of an error after which a loop goes on by itself. What ails the store, that one has said already.
pub(super) fn tell(error: &(dyn Error + 'static), what: &'static str) {
    match passes(error) {
        true => tracing::debug!(error, what, "A loop waits for the store"),
        false => tracing::error!(error, "{what}"),
    }
}
