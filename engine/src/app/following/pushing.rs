//! Builds that were pushed: they are proved by whoever hands them over, and take their posts here.

use std::{sync::Arc, time::Duration};

use jiff::Timestamp;

use super::{Following, chain};
use crate::{
    domain::{candidate::StoredCandidate, difference::Tally},
    pipeline::acts::{ActError, Build},
};

impl Following {
    /// Has a build serve, on probation, whatever the directory holds.
    pub(super) async fn take_over(&self, name: &str, build: Build) -> Result<(), ActError> {
        let Build { generation, wasm } = build;
        let (store, sha256) = (&self.shared.store, generation.sha256().to_string());
        store.keep_module(sha256.clone(), wasm.clone()).await?;
        let serving = self.shared.live.load().registry.get(name).cloned();
        if serving.is_none_or(|serving| serving.sha256() != generation.sha256()) {
            let probation = Duration::from_secs(u64::from(self.config.probation_minutes) * 60);
            let appointed = self.shared.appoint(Arc::clone(&generation), Some(wasm), probation).await;
            appointed.map_err(|refusal| ActError::Refused(chain(&refusal)))?;
        }
        store.pin(name.to_owned(), Some(sha256)).await?;
        let (version, sha256) = (&*generation.description.version, generation.short_sha256());
        tracing::info!(matcher = name, version, sha256, "A build that was pushed serves");
        if self.shared.shadows.get(name).is_some_and(|candidate| candidate.sha256() == generation.sha256()) {
            self.withdraw(name).await?;
        }
        Ok(())
    }

    /// Has a build judge beside the one that serves.
    pub(super) async fn shadow(&self, build: Build) -> Result<(), ActError> {
        let Build { generation, wasm } = build;
        let candidate = StoredCandidate {
            matcher: generation.name().to_string(),
            sha256: generation.sha256().to_string(),
            version: generation.description.version.clone(),
            against: None,
            since: Timestamp::now(),
            tally: Tally::default(),
            dropped: 0,
            failed: None,
        };
        self.shared.store.put_candidate(candidate, wasm.to_vec()).await?;
        let (matcher, sha256) = (&**generation.name(), generation.short_sha256());
        tracing::info!(matcher, sha256, "A candidate judges in the shadow of the build that serves");
        self.shared.shadows.put(generation, false);
        Ok(())
    }

    /// Has a candidate serve, on probation.
    pub(super) async fn promote(&self, name: &str) -> Result<(), ActError> {
        let candidate = self.shared.shadows.get(name).ok_or_else(|| ActError::NoCandidate(name.to_owned()))?;
        let sha256 = candidate.sha256().to_string();
        let missing = || ActError::NoSuchBuild { matcher: name.to_owned(), sha256: sha256.clone() };
        let wasm = self.shared.store.module(sha256.clone()).await?.ok_or_else(missing)?;
        self.take_over(name, Build { generation: candidate, wasm: wasm.into() }).await
    }

    /// Has a candidate judge no more.
    pub(super) async fn withdraw(&self, name: &str) -> Result<(), ActError> {
        self.shared.shadows.remove(name);
        match self.shared.store.drop_candidate(name.to_owned()).await? {
            true => Ok(()),
            false => Err(ActError::NoCandidate(name.to_owned())),
        }
    }

    /// Has a build go on that is quarantined over its budget: what it used until now counts no more.
    pub(super) async fn release(&self, name: &str) -> Result<(), ActError> {
        let serving = self.shared.live.load().registry.get(name).cloned();
        let serving = serving.ok_or_else(|| ActError::NoSuchMatcher(name.to_owned()))?;
        if !serving.budget.release() {
            return Err(ActError::NotOverBudget(name.to_owned()));
        }
        serving.usage.forget_peak();
        tracing::info!(
            matcher = name,
            sha256 = serving.short_sha256(),
            "A matcher is released, and its budget begins anew"
        );
        self.shared.matchers_changed.send_replace(());
        Ok(())
    }
}
