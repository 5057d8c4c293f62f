//! How far the logs reach, asked beside the consumer.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use jiff::Timestamp;
use rdkafka::consumer::{BaseConsumer, Consumer};

use super::{
    KafkaConfig, SourceError, Topics, client,
    probe::Asking,
    starting::{Point, at_time},
};

/// The log of one partition at the time it was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct End {
    pub topic: String,
    pub partition: i32,
    /// The first offset.
    pub low: i64,
    /// The offset after the last: the high watermark.
    pub high: i64,
}

/// A client that asks how far the logs reach. Keeps its connections; joins no group.
pub struct Ends {
    consumer: BaseConsumer<Asking>,
    brokers: String,
    topics: Topics,
}

impl Ends {
    pub fn new(config: &KafkaConfig) -> Result<Self, SourceError> {
        let asking = Asking::new(config);
        let consumer = client::asker(config)?.create_with_context(asking).map_err(|error| config.explain(error))?;
        Ok(Self { consumer, brokers: config.brokers.clone(), topics: config.topics.clone() })
    }

    /// The ends of all partitions of a topic now; none if it does not exist. Blocks up to the time-out.
    pub fn of(&self, topic: &str, timeout: Duration) -> Result<Vec<End>, SourceError> {
        let until = Instant::now() + timeout;
        // Serves what librdkafka has to say about its connections.
        while self.consumer.poll(Duration::ZERO).is_some() {}
        let failed = |error: rdkafka::error::KafkaError| SourceError::Unreachable {
            brokers: self.brokers.clone(),
            reason: self.consumer.context().reach.connection().unwrap_or_else(|| error.to_string()),
        };
        let in_kafka = self.topics.in_kafka(topic);
        let metadata = self.consumer.fetch_metadata(Some(in_kafka), timeout).map_err(failed)?;
        let numbers = client::partitions(&metadata, in_kafka).map_err(failed)?;
        let ends = numbers.into_iter().map(|partition| {
            let left = until.saturating_duration_since(Instant::now()).max(Duration::from_millis(1));
            let (low, high) = self.consumer.fetch_watermarks(in_kafka, partition, left).map_err(failed)?;
            Ok(End { topic: topic.to_owned(), partition, low, high })
        });
        ends.collect()
    }

    /// The cluster that answers. Blocks up to the time-out.
    pub fn cluster(&self, timeout: Duration) -> Option<Arc<str>> {
        self.consumer.client().fetch_cluster_id(timeout).map(Into::into)
    }

    /// The offset of the first message of a time or a later one.
    pub(super) fn at(&self, topic: &str, partition: i32, time: Timestamp) -> Result<i64, SourceError> {
        let topic = self.topics.in_kafka(topic);
        let point = at_time(&self.consumer, time, topic, partition).map_err(|error| SourceError::Unreachable {
            brokers: self.brokers.clone(),
            reason: self.consumer.context().reach.connection().unwrap_or_else(|| error.to_string()),
        })?;
        Ok(if let Point::At(offset) = point { offset } else { 0 })
    }
}
