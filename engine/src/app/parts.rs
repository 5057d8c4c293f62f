//! The parts of the service that can be built without a broker or a store.

use std::{sync::Arc, thread};

use jiff::Timestamp;

use crate::{
    api::ApiError,
    config::{
        Config, ConfigError,
        sensors::{self, Checker, SensorsError},
    },
    domain::sensor::{Owner, Sensor},
    matcher::{Cache, Pool, Registry, RegistryError, Runtime, RuntimeError},
    pipeline::{rendering::RenderError, turning::TurnError},
    source::SourceError,
    store::{self, StoreError},
    task,
};

/// Why the service did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error(transparent)]
    Runtime(#[from] RuntimeError),
    #[error(transparent)]
    Matchers(#[from] RegistryError),
    #[error(transparent)]
    Sensors(#[from] SensorsError),
    #[error(transparent)]
    Store(StoreError),
    #[error(transparent)]
    Marking(task::ConfigError),
    #[error("tasks cannot be marked: {0}")]
    Probe(String),
    #[error(transparent)]
    Render(RenderError),
    #[error(transparent)]
    Turn(TurnError),
    #[error(transparent)]
    Source(SourceError),
    #[error(transparent)]
    Api(ApiError),
}

/// The matchers and the threads that run them.
pub struct Matchers {
    pub registry: Arc<Registry>,
    pub pool: Arc<Pool>,
}

impl Matchers {
    pub async fn load(config: &Config) -> Result<Self, StartError> {
        let config = config.matchers.clone();
        let loading = tokio::task::spawn_blocking(move || -> Result<Self, StartError> {
            let cache = config.cache.as_deref().map(Cache::open).unwrap_or_default();
            let runtime = Runtime::new(config.limits.clone(), cache)?;
            let registry = Registry::load(&runtime, &config)?;
            let workers = config.workers.unwrap_or_else(|| thread::available_parallelism().map_or(2, usize::from));
            let pool = Pool::start(&runtime, workers)?;
            Ok(Self { registry: Arc::new(registry), pool: Arc::new(pool) })
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

    /// What the store keeps of them.
    pub fn generations(&self, now: Timestamp) -> Vec<store::Generation> {
        let generation = |it: &Arc<crate::matcher::Generation>| store::Generation {
            matcher: it.name().to_string(),
            sha256: it.sha256().to_string(),
            version: it.description.version.clone(),
            interface: it.description.interface.to_owned(),
            origin: it.origin.to_string(),
            loaded_at: now,
            state: store::GenerationState::Serving,
            reason: None,
        };
        self.registry.serving_any().map(generation).collect()
    }
}

/// Reads the sensor files and has the matchers check them.
pub async fn load_sensors(config: &Config, matchers: &Matchers) -> Result<Vec<(Owner, Sensor)>, StartError> {
    let drafts = sensors::read(&config.sensors.directory)?;
    let checker = Checker {
        registry: &matchers.registry,
        pool: &matchers.pool,
        timezone: &config.sensors.timezone,
        now: Timestamp::now(),
    };
    Ok(checker.check(drafts).await?)
}
