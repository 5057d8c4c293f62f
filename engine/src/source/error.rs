//! What can go wrong between Kafka and the deliveries.

use std::{error::Error, path::PathBuf};

use rdkafka::error::KafkaError;

use super::{gap::Gap, lives::OtherLife, outgoing::LineError};
use crate::outside::SecretError;

/// Why a source could not be opened, or has ended.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    #[error("`{name}` in [kafka.properties]: {reason}")]
    Property { name: String, reason: String },
    #[error("`{name}` in [kafka.properties] refers to a value that cannot be had")]
    Reference { name: String, source: SecretError },
    #[error("the Kafka client cannot be created: {0}")]
    Client(String),
    #[error("no Kafka broker answers at {brokers}: {reason}")]
    Unreachable { brokers: String, reason: String },
    #[error("cannot read what is stored about topic {topic}")]
    Bookmarks { topic: String, source: Box<dyn Error + Send + Sync> },
    #[error("cannot find out where {topic}/{partition} starts (`start = \"{start}\"` in [kafka])")]
    Start { topic: String, partition: i32, start: String, source: Box<KafkaError> },
    #[error(
        "the consumer group `{group}` is read for the store {theirs}, and this store is {ours}: each would miss what the \
         other one reads. Set another `group` in [kafka], or use that store; to give the group to this store, stop \
         whoever reads in it and delete it (`kafka-consumer-groups.sh --delete --group {group}`)"
    )]
    OtherStore { group: String, theirs: String, ours: String },
    #[error("cannot ask Kafka what it holds for the group `{group}`")]
    Group { group: String, source: Box<KafkaError> },
    #[error("cannot take over the partitions that Kafka assigned")]
    Assign(#[source] KafkaError),
    #[error("cannot start {partition} again at {next}")]
    PutBack { partition: String, next: String, source: Box<KafkaError> },
    #[error(transparent)]
    Gap(Box<Gap>),
    #[error(transparent)]
    OtherLife(Box<OtherLife>),
    #[error("Kafka brought something that cannot be read, and it is not skipped silently: {reason}")]
    Unreadable { reason: String },
    #[error("the Kafka client gave up: {reason}")]
    Fatal { reason: String },
    #[error("cannot subscribe")]
    Subscribe(#[source] KafkaError),
    #[error("cannot start a thread")]
    Thread(#[source] std::io::Error),
    #[error("cannot read {}", path.display())]
    File { path: PathBuf, source: std::io::Error },
    #[error("{file}, line {line}")]
    Line { file: String, line: i64, source: LineError },
}

impl SourceError {
    /// Whether the remedy is in the configuration rather than outside.
    pub fn is_configuration(&self) -> bool {
        matches!(self, Self::Property { .. } | Self::Reference { .. } | Self::Client(_) | Self::OtherStore { .. })
    }
}
