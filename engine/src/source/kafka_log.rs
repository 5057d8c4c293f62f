//! Reads stretches of Kafka's logs again: a consumer of its own that joins no group and commits nothing.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use jiff::Timestamp;
use rdkafka::{
    Offset, TopicPartitionList,
    consumer::{BaseConsumer, Consumer},
    error::KafkaError,
    message::Message as _,
    types::RDKafkaErrorCode,
};

use super::{
    Extent, KafkaConfig, Log, Piece, SourceError, Start, client,
    incoming::owned,
    native,
    probe::Asking,
    starting::{Point, at_time},
};

/// How long Kafka may take for each answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// How long a piece may take. Short, so that whoever stops need not wait.
const PIECE: Duration = Duration::from_secs(1);

/// How long a piece with messages waits for more.
const GROWING: Duration = Duration::from_millis(20);

/// Kafka's log.
pub struct KafkaLog {
    consumer: BaseConsumer<Asking>,
    config: KafkaConfig,
    /// Where the consumer reads on without being told.
    position: Option<(String, i32, i64)>,
}

/// What came of a poll.
enum Polled {
    /// A message of so many bytes.
    Message(usize),
    /// Something that says nothing about the messages.
    Other,
    Nothing,
    /// Nothing comes any more before the end.
    End,
    /// The log begins behind what was asked for.
    Gone,
}

impl KafkaLog {
    /// Connects in the background.
    pub fn open(config: &KafkaConfig) -> Result<Self, SourceError> {
        let consumer = client::log(config)?.create_with_context(Asking::new(config));
        let consumer = consumer.map_err(|error| config.explain(error))?;
        Ok(Self { consumer, config: config.clone(), position: None })
    }

    fn failed(&self, error: &KafkaError) -> SourceError {
        self.unreachable(&error.to_string())
    }

    fn unreachable(&self, reason: &str) -> SourceError {
        let reason = self.consumer.context().reach.connection().unwrap_or_else(|| reason.to_owned());
        SourceError::Unreachable { brokers: self.config.brokers.clone(), reason }
    }

    fn partitions(&self, topic: &str) -> Result<Vec<i32>, SourceError> {
        let metadata = self.consumer.fetch_metadata(Some(topic), PATIENCE).map_err(|error| self.failed(&error))?;
        client::partitions(&metadata, topic).map_err(|error| self.failed(&error))
    }

    fn extent(&self, topic: &str, partition: i32, since: Timestamp) -> Result<Extent, SourceError> {
        let ends = self.consumer.fetch_watermarks(topic, partition, PATIENCE);
        let (low, high) = ends.map_err(|error| self.failed(&error))?;
        let point = at_time(&self.consumer, since, topic, partition).map_err(|error| self.failed(&error))?;
        let since = match point {
            Point::At(offset) => offset.clamp(low, high),
            Point::Beginning => low,
        };
        Ok(Extent { partition, low, since, high })
    }

    fn seek(&mut self, topic: &str, partition: i32, offset: i64) -> Result<(), SourceError> {
        let here = (topic.to_owned(), partition, offset);
        if self.position.as_ref() == Some(&here) {
            return Ok(());
        }
        let mut list = TopicPartitionList::new();
        list.add_partition_offset(topic, partition, Offset::Offset(offset)).map_err(SourceError::Assign)?;
        self.consumer.assign(&list).map_err(SourceError::Assign)?;
        self.position = Some(here);
        Ok(())
    }

    /// Adds the next message to a piece, if one comes before its end.
    fn poll(&self, topic: &str, partition: i32, until: i64, wait: Duration, piece: &mut Piece) -> Polled {
        use RDKafkaErrorCode as Code;
        match self.consumer.poll(wait) {
            Some(Ok(message)) if message.topic() != topic || message.partition() != partition => Polled::Other,
            Some(Ok(message)) if message.offset() < piece.next => Polled::Other,
            Some(Ok(message)) if message.offset() >= until => Polled::End,
            Some(Ok(message)) => {
                piece.next = message.offset() + 1;
                piece.messages.push(owned(&message));
                if piece.next < until { Polled::Message(message.payload_len()) } else { Polled::End }
            }
            // Up to the end of the log is no message: what lacks was compacted away, or marks transactions.
            Some(Err(KafkaError::PartitionEOF(ended))) if ended == partition => Polled::End,
            Some(Err(KafkaError::MessageConsumption(Code::AutoOffsetReset | Code::OffsetOutOfRange))) => Polled::Gone,
            // A trouble that librdkafka tries to mend by itself.
            Some(_) => Polled::Other,
            None => Polled::Nothing,
        }
    }

    /// A piece that goes on where the log begins, or at the end where that lies behind.
    fn without_gone(&self, topic: &str, partition: i32, until: i64, piece: Piece) -> Result<Piece, SourceError> {
        let ends = self.consumer.fetch_watermarks(topic, partition, PATIENCE);
        let (low, _) = ends.map_err(|error| self.failed(&error))?;
        let next = if low > piece.next { low.min(until) } else { until };
        Ok(Piece { next, gone_before: Some(next), ..piece })
    }
}

impl Log for KafkaLog {
    fn cluster(&mut self) -> Result<Arc<str>, SourceError> {
        let until = Instant::now() + PATIENCE;
        loop {
            let answer = self.consumer.client().fetch_cluster_id(Duration::from_millis(500));
            // Serves what librdkafka has to say about its connections.
            while self.consumer.poll(Duration::ZERO).is_some() {}
            match answer {
                Some(cluster) => return Ok(cluster.into()),
                None if Instant::now() >= until => return Err(self.unreachable("no answer in time")),
                None => {}
            }
        }
    }

    fn start(&self) -> Start {
        self.config.start
    }

    fn topic_id(&mut self, topic: &str) -> Result<Option<String>, SourceError> {
        let topic = self.config.topics.in_kafka(topic);
        let asked = native::topic_ids(self.consumer.client().native_ptr(), &[topic], PATIENCE);
        // Older brokers have none.
        Ok(asked.unwrap_or_default().remove(topic))
    }

    fn extents(&mut self, topic: &str, since: Timestamp) -> Result<Vec<Extent>, SourceError> {
        let topic = self.config.topics.in_kafka(topic);
        self.partitions(topic)?.into_iter().map(|partition| self.extent(topic, partition, since)).collect()
    }

    fn read(&mut self, topic: &str, partition: i32, from: i64, until: i64) -> Result<Piece, SourceError> {
        let in_kafka = self.config.topics.in_kafka(topic).to_owned();
        let topic = in_kafka.as_str();
        self.seek(topic, partition, from)?;
        // Unknown until the piece is whole.
        self.position = None;
        let mut piece = Piece { next: from, ..Piece::default() };
        let (mut bytes, over) = (0, Instant::now() + PIECE);
        while piece.messages.len() < self.config.max_messages && bytes < self.config.max_bytes {
            // What is there is not kept waiting for what may come.
            let growing = if piece.messages.is_empty() { PIECE } else { GROWING };
            let left = over.saturating_duration_since(Instant::now()).min(growing);
            match self.poll(topic, partition, until, left, &mut piece) {
                Polled::Message(size) => bytes += size,
                Polled::Other if !left.is_zero() => {}
                Polled::Other | Polled::Nothing => break,
                Polled::End => return Ok(Piece { next: until, ..piece }),
                Polled::Gone => return self.without_gone(topic, partition, until, piece),
            }
        }
        self.position = Some((in_kafka, partition, piece.next));
        Ok(piece)
    }
}
