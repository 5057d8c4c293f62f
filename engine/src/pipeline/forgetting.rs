//! Forgets what is long past, now and then.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::sync::watch;

use super::{Stop, patience::tell};
use crate::store::{Forgetting, Store, StoreError};

/// The pause after which it is looked again.
const PAUSE: Duration = Duration::from_secs(60 * 60);

/// Forgets what was over so many days ago, until told to stop. 0: nothing is forgotten.
pub async fn run(store: &Store, days: u32, mut stop: watch::Receiver<Stop>) {
    while days > 0 && *stop.borrow() == Stop::Not {
        tokio::select! {
            forgotten = forget(store, before(days)) => match forgotten {
                Ok(0) => {}
                Ok(rows) => tracing::info!(rows, days, "Forgot what is long past"),
                Err(error) => tell(&error, "Nothing is forgotten now"),
            },
            _ = stop.wait_for(|stop| *stop != Stop::Not) => return,
        }
        tokio::select! {
            () = tokio::time::sleep(PAUSE) => {}
            _ = stop.wait_for(|stop| *stop != Stop::Not) => return,
        }
    }
}

fn before(days: u32) -> Timestamp {
    Timestamp::now().checked_sub(SignedDuration::from_hours(24 * i64::from(days))).unwrap_or(Timestamp::MIN)
}

/// Forgets what was over before an instant. The answer is how many rows went.
pub async fn forget(store: &Store, before: Timestamp) -> Result<usize, StoreError> {
    let (mut gone, mut next) = (0, Some(Forgetting::default()));
    while let Some(piece) = next {
        let (rows, more) = store.forget(before, piece).await?;
        gone += rows;
        next = more;
    }
    Ok(gone)
}
