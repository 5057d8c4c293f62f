//! The matchers at start: those of the binary and of the directory, and what the store knows of them from before.
//!
//! Where a service ran before ([`Past::has_run`]) no file keeps it from starting: one that cannot serve is refused, and what
//! served before it does. A first start, and `check`, want all of them to be good.

mod past;
mod shadows;

use std::{path::Path, sync::Arc, thread, time::Duration};

use jiff::Timestamp;

use super::{following::chain, parts::StartError};
use crate::{
    config::Config,
    domain::{
        generation::{self, GenerationState, short},
        usage::MatcherUsage,
    },
    matcher::{self, Cache, Generation, LoadError, Pool, Post, Registry, RegistryError, Runtime, WasmFile, files},
    pipeline::{
        Shared,
        matchers::serving,
        standing::{RefusedBuild, RefusedFile},
    },
    store::{Store, StoreError},
};
pub(super) use past::Past;

/// The matchers and the threads that run them.
pub struct Matchers {
    pub registry: Arc<Registry>,
    pub pool: Arc<Pool>,
    pub runtime: Runtime,
    /// What the directory held, whether it serves or not.
    pub files: Vec<WasmFile>,
    /// What of it does not serve.
    pub refused: Vec<RefusedFile>,
    /// Builds whose file is gone: nobody serves in their place. They say what is wanted of them, and judge nothing.
    pub gone: Vec<Arc<Generation>>,
    /// Builds that were on trial, with the one before each, and for how long still.
    trials: Vec<(Arc<Generation>, Duration)>,
}

impl Matchers {
    /// Loads what the configuration names.
    pub async fn load(config: &Config) -> Result<Self, StartError> {
        Self::load_after(config, Past::default()).await
    }

    /// The same, by what was before.
    pub(super) async fn load_after(config: &Config, past: Past) -> Result<Self, StartError> {
        let config = config.matchers.clone();
        let loading = tokio::task::spawn_blocking(move || Self::load_here(&config, &past));
        loading.await.expect("loading matchers does not panic")
    }

    fn load_here(config: &matcher::Config, past: &Past) -> Result<Self, StartError> {
        let cache = config.cache.as_deref().map(Cache::open).unwrap_or_default();
        let runtime = Runtime::new(config.limits.clone(), cache)?.allowing(config.allowed.clone());
        let mut files = files::directory(config)?;
        // Of two files with one name the one that served before does.
        files.sort_by_key(|file| !past.served_from(file));
        let mut refused = Vec::new();
        let registry = Registry::load(&runtime, config, &files, |file, error| past.instead(file, error, &mut refused))?;
        let mut loading = Loading { runtime: &runtime, config, past, registry, refused };
        loading.overrule()?;
        loading.add_pinned();
        let complete = loading.registry.has_all(config);
        complete.or_else(|error| past.tolerates(error))?;
        let (gone, trials) = (loading.gone(), loading.trials());
        let Loading { registry, refused, .. } = loading;
        let workers = config.workers.unwrap_or_else(|| thread::available_parallelism().map_or(2, usize::from));
        let pool = Arc::new(Pool::start(&runtime, workers)?);
        Ok(Self { registry: Arc::new(registry), pool, runtime, files, refused, gone, trials })
    }

    /// All that can say what is wanted: also those that are gone, where nobody serves their topics.
    pub fn known(&self) -> Registry {
        let posts = self.gone.iter().map(|it| Post::of(Arc::clone(it)));
        posts.fold(Registry::clone(&self.registry), |registry, post| registry.with(post))
    }

    /// Says in the log which builds serve.
    pub fn announce(&self) {
        for it in self.registry.serving_any() {
            tracing::info!(
                matcher = &**it.name(),
                version = it.description.version,
                origin = %it.origin,
                topics = it.topics.join(" "),
                sha256 = it.short_sha256(),
                "Serving"
            );
        }
    }

    /// Says which are gone while somebody waits for messages of theirs.
    pub(super) fn announce_gone(&self, shared: &Shared) {
        for (topic, matcher) in shared.live.load().index.topics_and_matchers() {
            if self.registry.get(&matcher).is_none() {
                tracing::warn!(
                    matcher = &*matcher,
                    topic = &*topic,
                    "No file of a matcher is there: messages of its topic wait for it"
                );
            }
        }
    }

    /// Has the store keep which builds serve, their files, and what does not serve.
    pub(super) async fn save(&self, store: &Store) -> Result<(), StoreError> {
        for it in self.registry.serving_any() {
            let file = self.files.iter().find(|file| file.sha256 == *it.sha256());
            store.save_generation(serving(it), file.map(|it| it.bytes.clone())).await?;
        }
        for it in &self.refused {
            store.save_generation(refused_row(it, None), None).await?;
        }
        for it in &self.gone {
            let (name, sha256, reason) = (it.name().to_string(), it.sha256().to_string(), "its file was removed");
            store.note_generation(name, sha256, GenerationState::Retired, Some(reason.to_owned())).await?;
        }
        Ok(())
    }

    /// Puts the builds before those that are young beside them, where they take what is wanted.
    pub(super) async fn resume_probations(&self, shared: &Shared) {
        for (previous, rest) in &self.trials {
            let (matcher, sha256) = (&**previous.name(), previous.short_sha256());
            match shared.resume_probation(Arc::clone(previous), *rest).await {
                Ok(()) => tracing::info!(matcher, previous = sha256, "A matcher's probation goes on"),
                Err(refusal) => {
                    let error = &refusal as &dyn std::error::Error;
                    tracing::warn!(
                        error,
                        matcher,
                        previous = sha256,
                        "A young matcher serves without the one before it"
                    );
                }
            }
        }
    }
}

/// The matchers in the making.
struct Loading<'a> {
    runtime: &'a Runtime,
    config: &'a matcher::Config,
    past: &'a Past,
    registry: Registry,
    refused: Vec<RefusedFile>,
}

impl Loading<'_> {
    /// Has pinned builds, and those before a build that is no good, take their posts.
    fn overrule(&mut self) -> Result<(), RegistryError> {
        for post in self.registry.clone().posts() {
            let Some((file, refused)) = self.past.overruled(&post.serving) else {
                continue;
            };
            let loaded = match file.load(self.runtime, &self.config.named) {
                Err(RegistryError::Load(_, error @ LoadError::NotAllowed(_))) => {
                    let (error, matcher) = (&error as &dyn std::error::Error, &**post.serving.name());
                    tracing::error!(error, matcher, "A build that served before may not any more");
                    continue;
                }
                loaded => loaded?,
            };
            if let Some(ruling) = loaded.into_iter().find(|it| it.name() == post.serving.name()) {
                self.registry = self.registry.with(Post::of(Arc::new(ruling)));
                self.refused.extend(refused);
            }
        }
        Ok(())
    }

    /// A pinned build serves, also where no file of its name is there.
    fn add_pinned(&mut self) {
        for (name, sha256) in self.past.pins().filter(|(name, _)| self.registry.get(name).is_none()).collect::<Vec<_>>()
        {
            match self.kept(name, sha256) {
                Some(pinned) => self.registry = self.registry.with(Post::of(pinned)),
                None => tracing::error!(matcher = name, sha256 = short(sha256), "A pinned build cannot be loaded"),
            }
        }
    }

    fn gone(&self) -> Vec<Arc<Generation>> {
        let is_gone = |name: &&str| self.registry.get(name).is_none();
        let last = self.past.names().filter(is_gone).filter_map(|name| self.kept(name, self.past.last(name)?));
        last.filter(|it| it.topics.iter().all(|topic| self.registry.serving(topic, None).is_err())).collect()
    }

    fn trials(&self) -> Vec<(Arc<Generation>, Duration)> {
        let span = Duration::from_secs(u64::from(self.config.probation_minutes) * 60);
        let trial = |serving: &Arc<Generation>| {
            let (sha256, rest) = self.past.trial(serving, span)?;
            Some((self.kept(serving.name(), sha256)?, rest))
        };
        self.registry.serving_any().filter_map(trial).collect()
    }

    /// A build of a matcher whose file is kept.
    fn kept(&self, name: &str, sha256: &str) -> Option<Arc<Generation>> {
        let loaded = self.past.kept(name, sha256)?.load(self.runtime, &self.config.named);
        let loaded = loaded.inspect_err(|error| {
            let error = error as &dyn std::error::Error;
            tracing::warn!(error, matcher = name, sha256 = short(sha256), "A build that is kept cannot be loaded");
        });
        loaded.ok()?.into_iter().find(|it| **it.name() == *name).map(Arc::new)
    }
}

/// A file that is refused, with the error.
fn refused_file(matcher: &str, file: &WasmFile, error: &RegistryError) -> RefusedFile {
    let (sha256, origin, at) = (file.sha256.to_string(), file.origin.to_string(), Timestamp::now());
    RefusedFile { matcher: matcher.to_owned(), build: RefusedBuild { sha256, origin, at, reason: chain(error) } }
}

/// What the store keeps of it.
pub(super) fn refused_row(refused: &RefusedFile, generation: Option<&Generation>) -> generation::Generation {
    let RefusedFile { matcher, build } = refused.clone();
    generation::Generation {
        matcher,
        sha256: build.sha256,
        version: generation.map(|it| it.description.version.clone()).unwrap_or_default(),
        interface: generation.map(|it| it.description.interface.to_owned()).unwrap_or_default(),
        origin: build.origin,
        loaded_at: build.at,
        state: GenerationState::Refused,
        reason: Some(build.reason),
        ended_at: None,
        usage: MatcherUsage::default(),
    }
}

/// The name under which a file goes that says none.
pub(super) fn stem(file: &WasmFile) -> Arc<str> {
    file.path().and_then(Path::file_stem).map(|stem| stem.to_string_lossy().into()).unwrap_or_else(|| "?".into())
}
