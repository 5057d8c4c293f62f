//! Marks tasks by a message: whoever runs them reads it from a topic.
//!
//! An attempt whose answer was lost is repeated, so a message may be there twice; its header `eventlatch-mark-id` says
//! so. Knows no Kafka client: it is handed a [`Publisher`].

use std::sync::Arc;

use serde::Deserialize;

use super::{
    Answer, Marked, TaskAdapter,
    told::{Told, trace},
};
use crate::domain::{mark::Mark, message::Header};

/// The header that tells two messages about one mark apart from messages about two.
const MARK_ID: &str = "eventlatch-mark-id";

/// `[marking.kafka]`: the topic that marks are published in, on the cluster of `[kafka]`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// It must exist, and be none that messages are read from.
    pub topic: String,
    /// What the messages have as their key. Default: `task`.
    #[serde(default)]
    pub key: Key,
}

/// What says which messages are of one partition, and so in order.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Key {
    /// `SENSOR/WAIT/TASK`.
    #[default]
    Task,
    /// The sensor's name.
    Sensor,
    /// The key of the message that the mark rests on, where there is one.
    Message,
    None,
}

/// A `[marking.kafka]` section that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    #[error("`topic` in [marking.kafka] names no topic")]
    NoTopic,
}

impl Config {
    pub fn check(&self) -> Result<(), ConfigError> {
        if self.topic.is_empty() { Err(ConfigError::NoTopic) } else { Ok(()) }
    }
}

/// A message that is to be published.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Publication {
    pub topic: String,
    pub key: Option<Vec<u8>>,
    pub value: Vec<u8>,
    pub headers: Vec<Header>,
}

/// Brings messages to Kafka.
pub trait Publisher: Send + Sync {
    /// Answers once all in-sync replicas have it.
    fn publish(&self, publication: Publication) -> Answer<'_, ()>;

    /// Proves that the topic is there; changes nothing.
    fn find<'a>(&'a self, topic: &'a str) -> Answer<'a, ()>;
}

/// Marks through a topic.
pub struct KafkaAdapter {
    config: Config,
    /// The identity of the store that the marks come from.
    store: String,
    publisher: Arc<dyn Publisher>,
}

impl KafkaAdapter {
    pub fn new(config: Config, store: &str, publisher: Arc<dyn Publisher>) -> Self {
        Self { config, store: store.to_owned(), publisher }
    }

    fn publication(&self, mark: &Mark) -> Publication {
        let id = mark.idempotency_key(&self.store);
        let header = |(name, value): (&str, &str)| Header { name: name.to_owned(), value: value.as_bytes().to_vec() };
        Publication {
            topic: self.config.topic.clone(),
            key: key(self.config.key, mark),
            value: Told::of(mark, &id).json(),
            headers: [(MARK_ID, id.as_str())].into_iter().chain(trace(mark)).map(header).collect(),
        }
    }
}

fn key(key: Key, mark: &Mark) -> Option<Vec<u8>> {
    match key {
        Key::Task => Some(format!("{}/{}/{}", mark.sensor, mark.wait, mark.task_id).into_bytes()),
        Key::Sensor => Some(mark.sensor.clone().into_bytes()),
        Key::Message => mark.evidence.as_ref()?.carried.key.clone(),
        Key::None => None,
    }
}

impl TaskAdapter for KafkaAdapter {
    fn mark<'a>(&'a self, mark: &'a Mark) -> Answer<'a, Marked> {
        Box::pin(async {
            self.publisher.publish(self.publication(mark)).await?;
            Ok(Marked::Now)
        })
    }

    fn probe(&self) -> Answer<'_, ()> {
        self.publisher.find(&self.config.topic)
    }

    fn name(&self) -> &'static str {
        "kafka"
    }

    fn summary(&self) -> String {
        format!("kafka: a message in {}", self.config.topic)
    }
}
