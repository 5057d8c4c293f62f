//! A file takes its posts, or is refused.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use jiff::Timestamp;

use super::{Following, Seen, chain};
use crate::{
    app::matchers::{refused_row, stem},
    matcher::{Generation, Origin, RegistryError, WasmFile},
    pipeline::{
        matchers::Refusal,
        standing::{RefusedBuild, RefusedFile},
    },
    store::StoreError,
};

/// Why a file does not serve.
#[derive(Debug, thiserror::Error)]
pub(super) enum Refused {
    #[error(transparent)]
    Load(#[from] RegistryError),
    #[error(transparent)]
    Refusal(#[from] Refusal),
    #[error("whether it may serve is not known")]
    Pinned(#[from] StoreError),
}

impl Refused {
    fn passes(&self) -> bool {
        matches!(self, Self::Pinned(_) | Self::Refusal(Refusal::Store(_) | Refusal::Render(_)))
    }
}

/// What came of a file.
#[derive(Default)]
pub(super) struct Taken {
    serves: Vec<Arc<str>>,
    refused: Vec<RefusedFile>,
    passes: bool,
}

impl Following {
    pub(super) async fn see(&mut self, path: &Path, file: WasmFile, retry: bool) {
        let (before, known) = match self.seen.get(path) {
            Some(seen) if seen.sha256 == file.sha256 && !seen.is_due(retry) => return,
            Some(seen) => (seen.serves.clone(), seen.refused.clone()),
            None => (Vec::new(), Vec::new()),
        };
        let sha256 = Arc::clone(&file.sha256);
        let Taken { mut serves, refused, passes } = self.take(file, &before, &known).await;
        for name in before.into_iter().filter(|name| !serves.contains(name)).collect::<Vec<_>>() {
            // Where anything of a file is refused, what served from it stays.
            if !refused.is_empty() || !self.leave(&name, path).await {
                serves.push(name);
            }
        }
        self.seen.insert(path.to_owned(), Seen { sha256, serves, refused, passes, gone: None });
    }

    async fn take(&mut self, file: WasmFile, before: &[Arc<str>], known: &[RefusedFile]) -> Taken {
        let mut taken = Taken::default();
        match self.load(&file).await {
            Ok(generations) => {
                for generation in generations.into_iter().map(Arc::new) {
                    match self.appoint(&file, &generation).await {
                        Ok(()) => taken.serves.push(Arc::clone(generation.name())),
                        Err(refused) => {
                            taken.passes |= refused.passes();
                            let name = generation.name();
                            taken.refused.push(self.refuse(name, &file, Some(&generation), &refused, known).await);
                        }
                    }
                }
            }
            Err(error) => {
                let name = before.first().cloned().unwrap_or_else(|| stem(&file));
                taken.refused.push(self.refuse(&name, &file, None, &error.into(), known).await);
            }
        }
        taken
    }

    /// Loading takes its time: not on a thread that others wait for.
    pub(super) async fn load(&self, file: &WasmFile) -> Result<Vec<Generation>, RegistryError> {
        let (runtime, named, loading) = (self.runtime.clone(), self.config.named.clone(), file.clone());
        let loaded = tokio::task::spawn_blocking(move || loading.load(&runtime, &named));
        loaded.await.expect("loading a matcher does not panic")
    }

    async fn appoint(&mut self, file: &WasmFile, generation: &Arc<Generation>) -> Result<(), Refused> {
        let name = generation.name();
        let serving = self.shared.live.load().registry.get(name).cloned();
        let is_same = serving.as_ref().is_some_and(|serving| serving.sha256() == generation.sha256());
        let from = self.place_of(serving.as_deref(), generation)?;
        if is_same && from.is_none() && serving.is_some_and(|serving| serving.origin == generation.origin) {
            return Ok(());
        }
        if is_same && from.is_some() {
            self.shared.relocate(Arc::clone(generation), file.bytes.clone()).await?;
            tracing::info!(matcher = &**name, origin = %generation.origin, "A matcher's file has another name");
        } else if self.shared.is_pinned(name).await? {
            tracing::warn!(
                matcher = &**name,
                "A new file is there, but the matcher is pinned to the build that serves"
            );
        } else {
            let probation = Duration::from_secs(u64::from(self.config.probation_minutes) * 60);
            self.shared.appoint(Arc::clone(generation), Some(file.bytes.clone()), probation).await?;
            tracing::info!(
                matcher = &**name, version = generation.description.version, origin = %generation.origin,
                sha256 = generation.short_sha256(), "A new matcher serves"
            );
        }
        if let Some(from) = from {
            self.moved(name, &from);
        }
        Ok(())
    }

    /// The missing file whose place a generation's file takes, if any. One that is there keeps its place.
    fn place_of(&self, serving: Option<&Generation>, generation: &Generation) -> Result<Option<PathBuf>, Refused> {
        let Some(Origin::File(path)) = serving.map(|serving| &serving.origin) else {
            return Ok(None);
        };
        if generation.origin == Origin::File(path.clone()) {
            return Ok(None);
        }
        if self.present.contains(path) {
            let (first, second) = (Origin::File(path.clone()), generation.origin.clone());
            return Err(RegistryError::Twice { name: Arc::clone(generation.name()), first, second }.into());
        }
        Ok(Some(path.clone()))
    }

    /// Says and records that a file is refused, unless that is known.
    pub(super) async fn refuse(
        &self,
        name: &str,
        file: &WasmFile,
        generation: Option<&Generation>,
        why: &Refused,
        known: &[RefusedFile],
    ) -> RefusedFile {
        let (sha256, origin, at) = (file.sha256.to_string(), file.origin.to_string(), Timestamp::now());
        let build = RefusedBuild { sha256, origin, at, reason: chain(why) };
        let refused = RefusedFile { matcher: name.to_owned(), build };
        let same = |it: &&RefusedFile| RefusedBuild { at, ..it.build.clone() } == refused.build && it.matcher == name;
        if let Some(known) = known.iter().find(same) {
            return known.clone();
        }
        let serves = self.shared.live.load().registry.get(name).is_some();
        let goes_on = if serves { "the one before serves on" } else { "" };
        tracing::error!(file = %file.origin, reason = refused.build.reason, goes_on, "A matcher is refused");
        if let Err(error) = self.shared.store.save_generation(refused_row(&refused, generation), None).await {
            let error = &error as &dyn std::error::Error;
            tracing::error!(error, "That a matcher was refused was not kept");
        }
        refused
    }
}
