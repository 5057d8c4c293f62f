//! What people want of matchers by hand.

use std::{sync::Arc, time::Duration};

use super::{Following, chain};
use crate::{
    domain::generation::{self, GenerationState},
    matcher::{Generation, Origin, WasmFile, files},
    pipeline::acts::{Act, ActError},
};

impl Following {
    pub(super) async fn obey(&mut self, matcher: &str, act: Act) -> Result<(), ActError> {
        let serving = self.shared.live.load().registry.get(matcher).cloned();
        let serving = serving.ok_or_else(|| ActError::NoSuchMatcher(matcher.to_owned()))?;
        match act {
            Act::RollBack => self.roll_back(&serving).await,
            Act::Pin(sha256) => self.pin(&serving, sha256).await,
            Act::Unpin => self.unpin(&serving).await,
        }
    }

    async fn roll_back(&self, serving: &Arc<Generation>) -> Result<(), ActError> {
        let name = serving.name().to_string();
        let before = |it: &&generation::Generation| {
            let served = matches!(it.state, GenerationState::Serving | GenerationState::Retired);
            served && it.matcher == name && it.sha256 != **serving.sha256()
        };
        for build in self.shared.store.generations().await?.iter().filter(before) {
            if let Some(file) = self.kept(&build.sha256, &serving.origin).await? {
                self.serve(&name, file).await?;
                let (sha256, reason) = (serving.sha256().to_string(), Some("by hand".to_owned()));
                return Ok(self
                    .shared
                    .store
                    .note_generation(name, sha256, GenerationState::RolledBack, reason)
                    .await?);
            }
        }
        Err(ActError::NothingBefore(name))
    }

    async fn pin(&self, serving: &Arc<Generation>, wanted: Option<String>) -> Result<(), ActError> {
        let name = serving.name().to_string();
        let sha256 = match wanted {
            Some(beginning) => self.whole(&name, beginning).await?,
            None => serving.sha256().to_string(),
        };
        let missing = || ActError::NoSuchBuild { matcher: name.clone(), sha256: sha256.clone() };
        let file = self.kept(&sha256, &serving.origin).await?.ok_or_else(missing)?;
        // One that is built in is not kept otherwise, and another release has another one.
        self.shared.store.keep_module(sha256.clone(), Arc::clone(&file.bytes)).await?;
        if sha256 != **serving.sha256() {
            self.serve(&name, file).await?;
        }
        Ok(self.shared.store.pin(name, Some(sha256)).await?)
    }

    /// The sha256 that begins so.
    async fn whole(&self, name: &str, beginning: String) -> Result<String, ActError> {
        let (matcher, sha256) = (name.to_owned(), beginning);
        let mut known = self.shared.store.generations().await?;
        known.retain(|it| {
            it.matcher == matcher && it.state != GenerationState::Refused && it.sha256.starts_with(&sha256)
        });
        known.sort_by(|a, b| a.sha256.cmp(&b.sha256));
        known.dedup_by(|a, b| a.sha256 == b.sha256);
        match &known[..] {
            [only] => Ok(only.sha256.clone()),
            [] => Err(ActError::NoSuchBuild { matcher, sha256 }),
            _ => Err(ActError::Ambiguous { matcher, sha256 }),
        }
    }

    /// Lets the directory decide again, or what is built in where it holds nothing of that name.
    async fn unpin(&mut self, serving: &Arc<Generation>) -> Result<(), ActError> {
        let name = serving.name();
        self.shared.store.pin(name.to_string(), None).await?;
        match self.seen.values_mut().find(|seen| seen.serves.contains(name)) {
            Some(seen) => seen.sha256 = Arc::default(),
            None => {
                for file in files::built_in() {
                    let own = file.load(&self.runtime, &self.config.named);
                    if own.is_ok_and(|all| all.iter().any(|it| it.name() == name)) && file.sha256 != *serving.sha256() {
                        self.serve(name, file).await?;
                    }
                }
            }
        }
        self.look().await;
        Ok(())
    }

    /// The file of a build, if it is kept or built in, as if it came from where another did.
    async fn kept(&self, sha256: &str, origin: &Origin) -> Result<Option<WasmFile>, ActError> {
        if let Some(wasm) = self.shared.store.module(sha256.to_owned()).await? {
            return Ok(Some(WasmFile::new(origin.clone(), wasm)));
        }
        Ok(files::built_in().into_iter().find(|file| *file.sha256 == *sha256))
    }

    /// Has the generation of this name take its post, without probation: a person chose it.
    async fn serve(&self, name: &str, file: WasmFile) -> Result<(), ActError> {
        let (runtime, named, loading) = (self.runtime.clone(), self.config.named.clone(), file.clone());
        let loaded = tokio::task::spawn_blocking(move || loading.load(&runtime, &named));
        let loaded = loaded.await.expect("loading a matcher does not panic");
        let loaded = loaded.map_err(|error| ActError::Refused(chain(&error)))?;
        let generation = loaded.into_iter().find(|it| **it.name() == *name);
        let generation = Arc::new(generation.ok_or_else(|| ActError::Refused("it has another name".to_owned()))?);
        let appointed = self.shared.appoint(Arc::clone(&generation), Some(file.bytes), Duration::ZERO).await;
        appointed.map_err(|refusal| ActError::Refused(chain(&refusal)))?;
        tracing::info!(matcher = name, sha256 = generation.short_sha256(), "A matcher was chosen by hand");
        Ok(())
    }
}
