//! Reads single messages again, at their positions: a consumer of its own that joins no group and commits nothing.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::{Duration, Instant},
};

use rdkafka::{
    Offset, TopicPartitionList,
    consumer::{BaseConsumer, Consumer},
    error::KafkaError,
    message::Message as _,
};

use super::{KafkaConfig, SourceError, client, incoming::owned, probe::Asking};
use crate::domain::message::{Message, Position};

/// Why a message cannot be read again, while Kafka answers.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotThere {
    #[error("it came from the cluster {0}, and this is another one")]
    OtherCluster(String),
    #[error("there is no partition {0} any more")]
    NoPartition(String),
    #[error("it is gone from Kafka: the log begins at {0} now")]
    Deleted(i64),
    #[error("it is gone from Kafka: the log ends at {0} now")]
    Beyond(i64),
    #[error("it is gone from Kafka: nothing is at its offset any more")]
    Compacted,
}

/// What became of one position.
pub type Fetched = Result<Message, NotThere>;

/// The messages at these positions, whatever order they are in. Blocks; the time-out is for each answer of Kafka.
pub fn fetch(
    config: &KafkaConfig,
    positions: &BTreeSet<Position>,
    timeout: Duration,
) -> Result<BTreeMap<Position, Fetched>, SourceError> {
    if positions.is_empty() {
        return Ok(BTreeMap::new());
    }
    let consumer: BaseConsumer<Asking> =
        client::fetcher(config)?.create_with_context(Asking::new(config)).map_err(|error| config.explain(error))?;
    let fetcher = Fetcher { consumer, config, timeout };
    let cluster = fetcher.cluster()?;
    let (ours, others): (BTreeSet<_>, BTreeSet<_>) =
        positions.iter().partition(|position| *position.partition.cluster == cluster);
    let foreign = |it: &Position| (it.clone(), Err(NotThere::OtherCluster(it.partition.cluster.to_string())));
    let mut all: BTreeMap<_, _> = others.into_iter().map(foreign).collect();
    let mut by_partition: BTreeMap<_, Vec<&Position>> = BTreeMap::new();
    ours.into_iter().for_each(|it| by_partition.entry(&it.partition).or_default().push(it));
    for wanted in by_partition.values() {
        fetcher.partition(wanted, &mut all)?;
    }
    Ok(all)
}

struct Fetcher<'a> {
    consumer: BaseConsumer<Asking>,
    config: &'a KafkaConfig,
    timeout: Duration,
}

impl Fetcher<'_> {
    fn cluster(&self) -> Result<String, SourceError> {
        let until = Instant::now() + self.timeout;
        loop {
            let answer = self.consumer.client().fetch_cluster_id(Duration::from_millis(500));
            // Serves what librdkafka has to say about its connections.
            while self.consumer.poll(Duration::ZERO).is_some() {}
            match answer {
                Some(cluster) => return Ok(cluster),
                None if Instant::now() >= until => return Err(self.unreachable("no answer in time")),
                None => {}
            }
        }
    }

    fn unreachable(&self, reason: &str) -> SourceError {
        let reason = self.consumer.context().reach.connection().unwrap_or_else(|| reason.to_owned());
        SourceError::Unreachable { brokers: self.config.brokers.clone(), reason }
    }

    fn failed(&self, error: &KafkaError) -> SourceError {
        self.unreachable(&error.to_string())
    }

    /// Positions of one partition, in the order of their offsets.
    fn partition(&self, wanted: &[&Position], all: &mut BTreeMap<Position, Fetched>) -> Result<(), SourceError> {
        let Some(first) = wanted.first() else { return Ok(()) };
        let (topic, number) = (self.config.topics.in_kafka(&first.partition.topic), first.partition.number);
        if !self.exists(topic, number)? {
            let missing = NotThere::NoPartition(first.partition.to_string());
            all.extend(wanted.iter().map(|it| ((*it).clone(), Err(missing.clone()))));
            return Ok(());
        }
        let ends = self.consumer.fetch_watermarks(topic, number, self.timeout);
        let (low, high) = ends.map_err(|error| self.failed(&error))?;
        // Where the consumer reads on without being told.
        let mut next = None;
        for position in wanted {
            let fetched = match position.offset {
                offset if offset < low => Err(NotThere::Deleted(low)),
                offset if offset >= high => Err(NotThere::Beyond(high)),
                offset => {
                    if next != Some(offset) {
                        self.seek(topic, number, offset)?;
                    }
                    let message = self.message(offset)?;
                    next = message.as_ref().map(|message| message.offset + 1);
                    message.ok_or(NotThere::Compacted)
                }
            };
            all.insert((*position).clone(), fetched);
        }
        Ok(())
    }

    fn exists(&self, topic: &str, number: i32) -> Result<bool, SourceError> {
        let metadata = self.consumer.fetch_metadata(Some(topic), self.timeout).map_err(|error| self.failed(&error))?;
        let mut partitions = metadata.topics().iter().filter(|it| it.name() == topic).flat_map(|it| it.partitions());
        Ok(partitions.any(|partition| partition.id() == number))
    }

    fn seek(&self, topic: &str, number: i32, offset: i64) -> Result<(), SourceError> {
        let mut list = TopicPartitionList::new();
        list.add_partition_offset(topic, number, Offset::Offset(offset)).map_err(SourceError::Assign)?;
        self.consumer.assign(&list).map_err(SourceError::Assign)
    }

    /// The message at an offset from which on the consumer reads; none if what comes lies behind it.
    fn message(&self, offset: i64) -> Result<Option<Message>, SourceError> {
        let until = Instant::now() + self.timeout;
        while let Some(left) = until.checked_duration_since(Instant::now()) {
            match self.consumer.poll(left) {
                Some(Ok(message)) if message.offset() == offset => return Ok(Some(owned(&message))),
                Some(Ok(message)) if message.offset() > offset => return Ok(None),
                // The log has no message at the offset nor behind it, or lost it while we were reading.
                Some(Err(KafkaError::PartitionEOF(_))) => return Ok(None),
                Some(Err(KafkaError::MessageConsumption(
                    rdkafka::types::RDKafkaErrorCode::AutoOffsetReset
                    | rdkafka::types::RDKafkaErrorCode::OffsetOutOfRange,
                ))) => return Ok(None),
                // From before the last seek, or a trouble that librdkafka tries to mend by itself.
                Some(_) | None => {}
            }
        }
        Err(self.unreachable("the message did not come in time"))
    }
}
