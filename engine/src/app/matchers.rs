//! The matchers at start: those of the binary and of the directory, and what the store knows of them from before.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
    thread,
};

use super::parts::StartError;
use crate::{
    config::Config,
    domain::generation::{self, GenerationState},
    matcher::{Cache, Generation, Pool, Post, Registry, RegistryError, Runtime, WasmFile, files},
    store::{Store, StoreError},
};

/// The matchers and the threads that run them.
pub struct Matchers {
    pub registry: Arc<Registry>,
    pub pool: Arc<Pool>,
    pub runtime: Runtime,
    /// What the directory held, whether it serves or not.
    pub files: Vec<WasmFile>,
}

impl Matchers {
    /// Loads what the configuration names.
    pub async fn load(config: &Config) -> Result<Self, StartError> {
        Self::load_after(config, Past::default()).await
    }

    /// The same, by what was before: a pinned build serves, one that was rolled back does not, and where a file cannot be
    /// loaded the one that served from its place does.
    pub(super) async fn load_after(config: &Config, past: Past) -> Result<Self, StartError> {
        let config = config.matchers.clone();
        let loading = tokio::task::spawn_blocking(move || -> Result<Self, StartError> {
            let cache = config.cache.as_deref().map(Cache::open).unwrap_or_default();
            let runtime = Runtime::new(config.limits.clone(), cache)?;
            let files = files::directory(&config)?;
            let found = Registry::load(&runtime, &config, &files, |file, error| past.instead(file, error))?;
            let registry = found.posts().try_fold(Registry::clone(&found), |registry, post| {
                let overruled =
                    past.overruled(&post.serving).map(|file| file.load(&runtime, &config.named)).transpose();
                let named = |it: &Generation| it.name() == post.serving.name();
                let ruling = overruled?.into_iter().flatten().find(named);
                Ok::<_, RegistryError>(ruling.map_or(registry.clone(), |it| registry.with(Post::of(Arc::new(it)))))
            })?;
            let workers = config.workers.unwrap_or_else(|| thread::available_parallelism().map_or(2, usize::from));
            let pool = Pool::start(&runtime, workers)?;
            Ok(Self { registry: Arc::new(registry), pool: Arc::new(pool), runtime, files })
        });
        loading.await.expect("loading matchers does not panic")
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

    /// Has the store keep which builds serve, and their files.
    pub(super) async fn save(&self, store: &Store) -> Result<(), StoreError> {
        for it in self.registry.serving_any() {
            let file = self.files.iter().find(|file| file.sha256 == *it.sha256());
            store.save_generation(crate::pipeline::matchers::serving(it), file.map(|it| Arc::clone(&it.bytes))).await?;
        }
        Ok(())
    }
}

/// What the store knows of matchers from before.
#[derive(Default)]
pub(super) struct Past {
    /// The newest first.
    generations: Vec<generation::Generation>,
    pins: BTreeMap<String, String>,
    /// The files that may be wanted.
    modules: HashMap<String, Vec<u8>>,
}

impl Past {
    pub(super) async fn of(store: &Store) -> Result<Self, StoreError> {
        let generations = store.generations().await?;
        let pins: BTreeMap<_, _> = store.pins().await?.into_iter().collect();
        let served = generations.iter().filter(|it| serves(it.state)).map(|it| &it.sha256);
        let mut modules = HashMap::new();
        for sha256 in served.chain(pins.values()) {
            if let Some(wasm) = store.module(sha256.clone()).await? {
                modules.insert(sha256.clone(), wasm);
            }
        }
        Ok(Self { generations, pins, modules })
    }

    /// What served from the place of a file that cannot be loaded.
    fn instead(&self, file: &WasmFile, error: &RegistryError) -> Option<WasmFile> {
        let origin = file.origin.to_string();
        let served = self.generations.iter().find(|it| serves(it.state) && it.origin == origin)?;
        let instead = self.file(&served.sha256, file)?;
        tracing::error!(
            error = error as &dyn std::error::Error,
            matcher = served.matcher,
            serving = short(&instead.sha256),
            "A matcher's file is refused; what served before it serves on"
        );
        Some(instead)
    }

    /// What is to serve in place of a generation: the pinned build, or the one before a build that was rolled back.
    fn overruled(&self, generation: &Generation) -> Option<WasmFile> {
        let (name, sha256) = (&**generation.name(), &**generation.sha256());
        let (ruling, why) = match self.pins.get(name) {
            Some(pinned) => (pinned, "it is pinned"),
            None => {
                let mut of_name = self.generations.iter().filter(|it| it.matcher == name);
                let last = of_name.clone().find(|it| it.sha256 == sha256)?;
                let served =
                    of_name.find(|it| serves(it.state)).filter(|_| last.state == GenerationState::RolledBack)?;
                (&served.sha256, "the file in the directory was rolled back")
            }
        };
        if ruling == sha256 {
            return None;
        }
        let here = WasmFile { origin: generation.origin.clone(), sha256: Arc::default(), bytes: Arc::default() };
        let file = self.file(ruling, &here)?;
        tracing::warn!(matcher = name, serving = short(ruling), "An earlier build of a matcher serves: {why}");
        Some(file)
    }

    /// The file with this hash, as if it lay in the place of another.
    fn file(&self, sha256: &str, place: &WasmFile) -> Option<WasmFile> {
        if let Some(wasm) = self.modules.get(sha256) {
            return Some(WasmFile::new(place.origin.clone(), wasm.clone()));
        }
        files::built_in().into_iter().find(|file| *file.sha256 == *sha256)
    }
}

fn serves(state: GenerationState) -> bool {
    matches!(state, GenerationState::Serving | GenerationState::Quarantined)
}

/// Enough of a sha256 for a person to tell builds apart.
fn short(sha256: &str) -> &str {
    sha256.get(..12).unwrap_or(sha256)
}
