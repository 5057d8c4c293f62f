//! What fails for now is asked again: to go on without a store's answer would skip what it did not take.

use std::{error::Error, time::Duration};

use crate::store::StoreError;

/// How long the store is left alone after it failed.
const PAUSE: Duration = Duration::from_millis(500);

/// How long a matcher is left alone that could not be asked what it waits for.
pub(super) const MATCHER_PAUSE: Duration = Duration::from_secs(1);

/// Asks until there is an answer, or an error that is not one of the store's, or that it is closed.
pub(super) async fn patiently<T, E, F>(ask: impl Fn() -> F) -> Result<T, E>
where
    E: Error + 'static,
    F: Future<Output = Result<T, E>>,
{
    loop {
        match ask().await {
            Err(error) if passes(&error) => {
                tracing::error!(error = &error as &dyn Error, "The store does not answer; trying again");
                tokio::time::sleep(PAUSE).await;
            }
            done => return done,
        }
    }
}

/// What stands in front of a store's error is only where it was met.
fn passes(error: &(dyn Error + 'static)) -> bool {
    match error.downcast_ref() {
        Some(StoreError::Closed) => false,
        Some(_) => true,
        None => error.source().is_some_and(passes),
    }
}
