//! Builds by what people call them: a file, a name, or what serves.

use std::{path::Path, sync::Arc};

use super::{Config, Matchers, PrepareError, StoreError, wanted::existing};
use crate::{
    domain::generation::{GenerationState, short},
    matcher::{Generation, Origin, WasmFile, files},
    store::Reader,
};

/// Where builds for a topic are found.
pub(super) struct Builds<'a> {
    pub(super) config: &'a Config,
    pub(super) matchers: &'a Matchers,
    pub(super) topic: &'a str,
}

impl Builds<'_> {
    /// The build of a `.wasm` file, or the one that would serve under a name.
    pub(super) async fn called(&self, what: &str, name: Option<&str>) -> Result<Arc<Generation>, PrepareError> {
        if what.ends_with(".wasm") {
            return self.of_file(Path::new(what), name).await;
        }
        let found = self.matchers.registry.get(what).ok_or_else(|| PrepareError::Unknown(what.to_owned()))?;
        self.only_one(format!("the matcher `{what}`"), &[Arc::clone(found)], None)
    }

    /// The build of a file, under a name if one is given.
    pub(super) async fn of_file(&self, path: &Path, name: Option<&str>) -> Result<Arc<Generation>, PrepareError> {
        let file = files::read(path, &self.config.matchers.limits);
        let file = file.map_err(|error| PrepareError::Read(path.to_owned(), error))?;
        self.only_one(path.display().to_string(), &self.loaded(file).await?, name)
    }

    /// The build that serves: a service that runs knows it, else the store, else it is what the directory holds.
    pub(super) async fn live(&self, name: &str, told: &[(String, String)]) -> Result<Arc<Generation>, PrepareError> {
        let reader = existing(&self.config.store.path)?;
        let told = told.iter().find(|(other, _)| other == name).map(|(_, sha256)| sha256);
        let sha256 = match (told, &reader) {
            (Some(told), _) => Some(told.to_owned()),
            (None, Some(reader)) => last_serving(reader, name)?,
            (None, None) => None,
        };
        let is_it = |it: &&Arc<Generation>| sha256.as_ref().is_none_or(|sha256| **it.sha256() == **sha256);
        if let Some(found) = self.matchers.registry.get(name).filter(is_it) {
            return Ok(Arc::clone(found));
        }
        let sha256 = sha256.ok_or_else(|| PrepareError::NothingLive(name.to_owned()))?;
        let not_kept = || PrepareError::NotKept { name: name.to_owned(), sha256: short(&sha256).to_owned() };
        let kept = match reader {
            Some(reader) => reader.module(&sha256)?,
            None => None,
        };
        // Where it came from once is not where it is now.
        let kept = kept.map(|wasm| WasmFile::new(Origin::File(self.config.store.path.clone()), wasm));
        let kept = kept.or_else(|| files::built_in().into_iter().find(|file| *file.sha256 == *sha256));
        let all = self.loaded(kept.ok_or_else(not_kept)?).await?;
        all.into_iter().find(|it| **it.name() == *name).ok_or_else(not_kept)
    }

    /// All builds of a file: its own, and those that the configuration makes of it. Compiling takes a while.
    async fn loaded(&self, file: WasmFile) -> Result<Vec<Arc<Generation>>, PrepareError> {
        let (runtime, named) = (self.matchers.runtime.clone(), self.config.matchers.named.clone());
        let path = file.path().map(Path::to_owned).unwrap_or_default();
        let loading = tokio::task::spawn_blocking(move || file.load(&runtime, &named));
        let all = loading.await.expect("loading a matcher does not panic");
        Ok(all.map_err(|error| PrepareError::Matcher(path, error))?.into_iter().map(Arc::new).collect())
    }

    /// The one that serves the topic.
    fn only_one(
        &self,
        what: String,
        all: &[Arc<Generation>],
        name: Option<&str>,
    ) -> Result<Arc<Generation>, PrepareError> {
        let is_called = |it: &Arc<Generation>| name.is_none_or(|name| **it.name() == *name);
        let serves = |it: &Arc<Generation>| it.serves(self.topic).is_some();
        let serving: Vec<_> = all.iter().filter(|it| is_called(it) && serves(it)).collect();
        let topic = self.topic.to_owned();
        match serving[..] {
            [only] => Ok(Arc::clone(only)),
            [] => {
                let served = list(all.iter().filter(|it| is_called(it)).flat_map(|it| &it.topics));
                Err(PrepareError::NotServed { what, topic, served })
            }
            _ => Err(PrepareError::Ambiguous { what, topic, names: list(serving.iter().map(|it| it.name())) }),
        }
    }
}

fn last_serving(reader: &Reader, name: &str) -> Result<Option<String>, StoreError> {
    let serves = |state| matches!(state, GenerationState::Serving | GenerationState::Quarantined);
    let mut all = reader.generations()?.into_iter();
    Ok(all.find(|it| it.matcher == name && serves(it.state)).map(|it| it.sha256))
}

fn list<'a>(names: impl Iterator<Item = &'a Arc<str>>) -> String {
    let quoted: Vec<_> = names.map(|name| format!("`{name}`")).collect();
    if quoted.is_empty() { "none".to_owned() } else { quoted.join(", ") }
}
