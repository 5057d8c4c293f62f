//! A second instance on one store: it waits until the first one ends, however that ends, and takes over.
//!
//! It waits for the lock that keeps two processes from one store, in the kernel. Meanwhile it answers the probes, where its
//! address is free.

use std::time::Duration;

use tokio::task::JoinHandle;

use super::{Input, Service, StartError};
use crate::{
    api::{Api, ApiError},
    config::Config,
    store::{self, StoreError},
};

/// The one before may still be closing what it had open: its address is asked for again, for so long altogether.
const PAUSE: Duration = Duration::from_millis(200);
const ATTEMPTS: usize = 50;

impl Service {
    /// Starts as soon as no other process has the store.
    pub async fn start_as_standby(config: &Config, input: &Input) -> Result<Self, StartError> {
        let (mut waited, mut attempts) = (false, 0);
        loop {
            if store::is_in_use(&config.store.path).map_err(StartError::Store)? {
                waited = true;
                wait(config).await?;
            }
            match Self::start(config, input).await {
                // Another one that waited was faster.
                Err(StartError::Store(StoreError::Busy { .. })) => {}
                Err(StartError::Api(ApiError::Taken(_))) if waited && attempts < ATTEMPTS => {
                    attempts += 1;
                    tokio::time::sleep(PAUSE).await;
                }
                started => return started,
            }
        }
    }
}

/// Waits for the store, and says so to whoever asks.
async fn wait(config: &Config) -> Result<(), StartError> {
    let answering = answer(config)?;
    tracing::info!(store = %config.store.path.display(), "Standing by: another process has the store");
    let path = config.store.path.clone();
    let free = tokio::task::spawn_blocking(move || store::wait_until_free(&path)).await;
    if let Some(answering) = answering {
        answering.abort();
        // Its address is free when it has ended.
        drop(answering.await);
    }
    free.unwrap_or(Err(StoreError::Panicked)).map_err(StartError::Store)?;
    tracing::info!("Taking over");
    Ok(())
}

fn answer(config: &Config) -> Result<Option<JoinHandle<()>>, StartError> {
    match Api::bind(&config.api) {
        Ok(api) => Ok(api.map(|api| tokio::spawn(api.stand_by()))),
        Err(ApiError::Taken(address)) => {
            tracing::info!(%address, "The address is taken: probes are answered after the take-over only");
            Ok(None)
        }
        Err(error) => Err(StartError::Api(error)),
    }
}
