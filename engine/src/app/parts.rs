//! The parts of the service that can be built without a broker or a store.

use std::{sync::Arc, time::Instant};

use jiff::Timestamp;

use super::Matchers;
use crate::{
    api::ApiError,
    config::{
        Config, ConfigError,
        sensors::{Folder, SensorsError},
    },
    domain::sensor::{Owner, Sensor},
    matcher::{RegistryError, RuntimeError},
    pipeline::{checking::Checker, publishing::KafkaPublisher, rendering::RenderError, turning::TurnError},
    report,
    source::SourceError,
    store::StoreError,
    task::{self, Marking, Publisher},
    telemetry::spans,
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
    #[error(transparent)]
    Report(report::ConfigError),
    #[error(
        "marks cannot be published in the topic `{0}`: sensors want messages of it (hint: another `topic` in [marking.kafka])"
    )]
    MarkingTopic(String),
    #[error(
        "dead letters cannot be published in the topic `{0}`: sensors want messages of it (hint: another `topic` in \
         [dead_letters])"
    )]
    DeadLetterTopic(String),
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
    #[error(transparent)]
    Spans(spans::ConfigError),
}

/// What marks tasks. `store` is the store's identity.
pub fn marking(config: &Config, store: &str) -> Result<Marking, task::ConfigError> {
    let publisher: Arc<dyn Publisher> = Arc::new(KafkaPublisher::new(config.kafka.clone()));
    config.marking.build(store, &publisher)
}

/// Marks and dead letters that were read as messages might follow from themselves, for ever.
pub fn check_topics_written(config: &Config, read: &[String]) -> Result<(), StartError> {
    let is_same = |one: &str, other: &str| config.topics.in_kafka(one) == config.topics.in_kafka(other);
    let is_read = |topic: &&str| read.iter().any(|read| is_same(read, topic));
    if let Some(topic) = config.marking.topic().filter(is_read) {
        return Err(StartError::MarkingTopic(topic.to_owned()));
    }
    match config.dead_letters.topic.as_deref().filter(is_read) {
        Some(topic) => Err(StartError::DeadLetterTopic(topic.to_owned())),
        None => Ok(()),
    }
}

/// Reads the sensor files and has the matchers check them, and who marks their tasks, if anybody does: at start all of
/// them must be good.
pub async fn load_sensors(
    config: &Config,
    matchers: &Matchers,
    marking: Option<&Marking>,
) -> Result<(Folder, Vec<(Owner, Sensor)>), StartError> {
    let mut folder = Folder::new(config.sensors.directory.clone());
    let look = folder.look(Instant::now(), false)?;
    let checker = Checker {
        registry: &matchers.known(),
        pool: &matchers.pool,
        marking,
        timezone: &config.sensors.timezone,
        topics: &config.kafka.topics,
        now: Timestamp::now(),
    };
    let checked = checker.check(&look.definitions).await;
    let change = folder.judge(look, checked);
    if !change.problems.is_empty() {
        return Err(SensorsError::Problems(change.problems).into());
    }
    Ok((folder, change.put))
}
