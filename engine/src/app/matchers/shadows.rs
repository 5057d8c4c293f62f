//! Candidates that judged in the shadow of others before the service was stopped go on.

use std::sync::Arc;

use super::Matchers;
use crate::{
    domain::candidate::StoredCandidate,
    matcher::{self, Loader, Origin, RegistryError, WasmFile},
    pipeline::Shared,
    store::StoreError,
};

impl Matchers {
    /// Has the candidates judge on that the store knows.
    pub(in crate::app) async fn resume_shadows(
        &self,
        shared: &Shared,
        config: &matcher::Config,
    ) -> Result<(), StoreError> {
        let loader = Loader::new(&self.runtime, config);
        for candidate in shared.store.candidates().await? {
            let Some(wasm) = shared.store.module(candidate.sha256.clone()).await? else { continue };
            match resume(shared, loader.clone(), &candidate, wasm).await {
                Ok(()) => tracing::info!(matcher = candidate.matcher, "A candidate judges on in the shadow"),
                Err(error) => {
                    let error = &error as &dyn std::error::Error;
                    tracing::error!(error, matcher = candidate.matcher, "A candidate cannot be loaded any more");
                }
            }
        }
        Ok(())
    }
}

async fn resume(
    shared: &Shared,
    loader: Loader,
    candidate: &StoredCandidate,
    wasm: Vec<u8>,
) -> Result<(), RegistryError> {
    let file = WasmFile::new(Origin::Pushed, wasm);
    let loaded = tokio::task::spawn_blocking(move || loader.load(&file));
    let loaded = loaded.await.expect("loading a matcher does not panic")?;
    if let Some(generation) = loaded.into_iter().find(|it| **it.name() == *candidate.matcher) {
        shared.shadows.put(Arc::new(generation), candidate.failed.is_some());
    }
    Ok(())
}
