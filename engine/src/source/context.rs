//! What librdkafka calls back: log lines, errors and, above all, rebalances.
//!
//! The rebalance is ours because the store, not Kafka, knows where reading goes on: the stored offsets are written
//! into the list before it is assigned. It runs on the source's thread, inside a poll, and may block there.

use std::sync::{Arc, Mutex, MutexGuard, OnceLock};

use rdkafka::{
    ClientContext, Offset, TopicPartitionList,
    config::RDKafkaLogLevel,
    consumer::{BaseConsumer, Consumer, ConsumerContext, RebalanceProtocol},
    error::{KafkaError, KafkaResult},
    statistics::Statistics,
    types::RDKafkaRespErr,
};

use super::{
    Bookmark, Bookmarks, SourceError, Start,
    assignment::Assignment,
    desk::{Desk, State, lock},
    reach::{self, Reach},
    starting::{self, Known, Point},
};
use crate::{domain::message::Partition, telemetry::metrics};

pub(super) struct Context {
    pub(super) desk: Arc<Desk>,
    pub(super) reach: Reach,
    bookmarks: Arc<dyn Bookmarks>,
    start: Start,
    cluster: OnceLock<Arc<str>>,
    assignment: Mutex<Assignment>,
}

impl Context {
    pub(super) fn new(desk: Arc<Desk>, reach: Reach, bookmarks: Arc<dyn Bookmarks>, start: Start) -> Self {
        Self { desk, reach, bookmarks, start, cluster: OnceLock::new(), assignment: Mutex::default() }
    }

    /// Said once, before the subscription.
    pub(super) fn set_cluster(&self, cluster: Arc<str>) {
        self.desk.health().cluster = Some(cluster.clone());
        let _already = self.cluster.set(cluster);
    }

    pub(super) fn assignment(&self) -> MutexGuard<'_, Assignment> {
        lock(&self.assignment)
    }

    fn cluster(&self) -> Arc<str> {
        self.cluster.get().cloned().unwrap_or_else(|| "unknown".into())
    }

    /// Where a partition starts of which the store knows this.
    pub(super) fn point(
        &self,
        consumer: &BaseConsumer<Self>,
        topic: &str,
        number: i32,
        known: Known,
    ) -> Result<Point, SourceError> {
        match known {
            Known::Next(next) => Ok(Point::At(next)),
            Known::Beginning => Ok(Point::Beginning),
            Known::Nothing => starting::by_rule(consumer, self.start, topic, number),
        }
    }

    fn assign(&self, consumer: &BaseConsumer<Self>, list: &mut TopicPartitionList) -> Result<(), SourceError> {
        let mut beginnings = Vec::new();
        let mut bookmarks: Option<(String, Vec<Bookmark>)> = None;
        for mut element in list.elements() {
            let (topic, number) = (element.topic().to_owned(), element.partition());
            let stored = match bookmarks.take() {
                Some((of, stored)) if of == topic => stored,
                _ => self.stored(&topic)?,
            };
            let (epoch, known) = starting::known(&stored, number);
            let point = self.point(consumer, &topic, number, known)?;
            element.set_offset(point.offset()).map_err(SourceError::Assign)?;
            let next = if let Known::Next(next) = known { Some(next) } else { None };
            let partition = Partition { cluster: self.cluster(), topic: topic.as_str().into(), number, epoch };
            tracing::info!(topic, partition = number, from = %point, stored = next.is_some(), "Reading a partition");
            beginnings.push((partition, next, point));
            bookmarks = Some((topic, stored));
        }
        self.hand_to_kafka(consumer, list)?;
        self.begin(consumer, beginnings, list)
    }

    fn stored(&self, topic: &str) -> Result<Vec<Bookmark>, SourceError> {
        let stored = self.bookmarks.stored(&self.cluster(), topic);
        stored.map_err(|source| SourceError::Bookmarks { topic: topic.to_owned(), source })
    }

    fn hand_to_kafka(&self, consumer: &BaseConsumer<Self>, list: &TopicPartitionList) -> Result<(), SourceError> {
        let result = match consumer.rebalance_protocol() {
            RebalanceProtocol::Cooperative => consumer.incremental_assign(list),
            RebalanceProtocol::Eager | RebalanceProtocol::None => consumer.assign(list),
        };
        result.map_err(SourceError::Assign)
    }

    fn begin(
        &self,
        consumer: &BaseConsumer<Self>,
        beginnings: Vec<(Partition, Option<i64>, Point)>,
        list: &TopicPartitionList,
    ) -> Result<(), SourceError> {
        let mut assignment = self.assignment();
        for (partition, stored, point) in beginnings {
            assignment.begin(partition, stored, point);
        }
        if assignment.paused {
            consumer.pause(list).map_err(SourceError::Assign)?;
        } else if !assignment.held.is_empty() {
            let held = assignment.partitions(|topic| assignment.held.contains(topic));
            consumer.pause(&held).map_err(SourceError::Assign)?;
        }
        self.count(&assignment);
        Ok(())
    }

    fn revoke(&self, consumer: &BaseConsumer<Self>, list: &TopicPartitionList) -> KafkaResult<()> {
        // Kafka is told what is done before the partitions go: the commit at their end takes it along.
        self.store_settled(consumer);
        let mut assignment = self.assignment();
        for element in list.elements() {
            tracing::info!(topic = element.topic(), partition = element.partition(), "No longer reading a partition");
            assignment.end(element.topic(), element.partition());
        }
        self.count(&assignment);
        drop(assignment);
        match consumer.rebalance_protocol() {
            RebalanceProtocol::Cooperative => consumer.incremental_unassign(list),
            RebalanceProtocol::Eager | RebalanceProtocol::None => consumer.unassign(),
        }
    }

    fn count(&self, assignment: &Assignment) {
        let mut health = self.desk.health();
        health.partitions = assignment.chains.len();
        if health.state != State::Ended {
            health.state = if health.partitions == 0 { State::Waiting } else { State::Reading };
        }
    }

    /// Stores what was settled for the next lazy commit.
    pub(super) fn store_settled(&self, consumer: &BaseConsumer<Self>) {
        let mut list = TopicPartitionList::new();
        for chain in &self.assignment().chains {
            let Some(next) = chain.lease.take_settled() else {
                continue;
            };
            let Partition { topic, number, .. } = &chain.lease.partition;
            if let Err(error) = list.add_partition_offset(topic, *number, Offset::Offset(next)) {
                tracing::debug!(%error, topic = &**topic, "An offset cannot be stored");
            }
        }
        // (`store_offset` without the s means the message before.)
        if list.count() > 0
            && let Err(error) = consumer.store_offsets(&list)
        {
            tracing::debug!(%error, "Offsets were not stored for the next commit");
        }
    }
}

impl ClientContext for Context {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, line: &str) {
        reach::log(level, facility, line);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        self.reach.heard(error.rdkafka_error_code(), reason);
    }

    fn stats(&self, _: Statistics) {}

    fn stats_raw(&self, _: &[u8]) {}
}

impl ConsumerContext for Context {
    fn rebalance(&self, consumer: &BaseConsumer<Self>, event: RDKafkaRespErr, list: &mut TopicPartitionList) {
        self.reach.answered();
        let assigned = event == RDKafkaRespErr::RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS;
        metrics::rebalanced(if assigned { "assigned" } else { "revoked" });
        if !assigned {
            if let Err(error) = self.revoke(consumer, list) {
                self.assignment().failure = Some(SourceError::Assign(error));
            }
        } else if let Err(error) = self.assign(consumer, list) {
            self.assignment().failure = Some(error);
            // The rebalance has to be answered all the same. The deliveries end, so that nothing is read.
            if let Err(error) = consumer.unassign() {
                tracing::debug!(%error, "Nothing could be unassigned");
            }
        }
    }

    fn commit_callback(&self, result: KafkaResult<()>, _: &TopicPartitionList) {
        match result {
            Ok(()) => self.reach.answered(),
            Err(error) => {
                tracing::debug!(%error, "Offsets were not committed, trying again with the next commit")
            }
        }
    }
}
