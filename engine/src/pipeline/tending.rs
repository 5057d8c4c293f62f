//! Keeping an eye on the store, whether or not anybody writes to it.

use std::time::Duration;

use tokio::sync::watch;

use super::Stop;
use crate::store::Store;

/// How often it is looked at.
const PACE: Duration = Duration::from_secs(1);

/// Looks after the store until told to stop.
pub async fn run(store: &Store, mut stop: watch::Receiver<Stop>) {
    while *stop.borrow() == Stop::Not {
        tokio::select! {
            () = tokio::time::sleep(PACE) => store.tend().await,
            _ = stop.changed() => {}
        }
    }
}
