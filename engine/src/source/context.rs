//! What librdkafka calls back: log lines, errors and, above all, rebalances.
//!
//! The rebalance is ours because the store, not Kafka, knows where reading goes on: the stored offsets are written
//! into the list before it is assigned. It runs on the source's thread, inside a poll, and may block there.

use std::{
    collections::{BTreeSet, HashMap},
    sync::{Arc, Mutex, MutexGuard, OnceLock},
};

use rdkafka::{
    ClientContext, TopicPartitionList,
    config::RDKafkaLogLevel,
    consumer::{BaseConsumer, Consumer, ConsumerContext, RebalanceProtocol},
    error::{KafkaError, KafkaResult},
    statistics::Statistics,
    types::RDKafkaRespErr,
};

use super::{
    Bookmarks, Guarantee, KafkaConfig, OnGap, SourceError,
    assignment::Assignment,
    desk::{Desk, State, lock},
    group::Held,
    lives::{Ids, Stored},
    native::partition_queue::PartitionQueue,
    patience::{PATIENCE, patiently},
    reach::Reach,
    starting::{self, Known, Point},
};
use crate::{domain::message::Partition, telemetry::metrics};

pub(super) struct Context {
    pub(super) desk: Arc<Desk>,
    pub(super) reach: Reach,
    bookmarks: Arc<dyn Bookmarks>,
    config: KafkaConfig,
    cluster: OnceLock<Arc<str>>,
    assignment: Mutex<Assignment>,
    /// Kafka's ids of the topics that are read.
    ids: Mutex<Ids>,
}

impl Context {
    pub(super) fn new(desk: Arc<Desk>, bookmarks: Arc<dyn Bookmarks>, config: &KafkaConfig) -> Self {
        let reach = Reach::new(&config.brokers, desk.clone());
        let unchecked = config.delivery != Guarantee::ExactlyOnce;
        Self {
            desk,
            reach,
            bookmarks,
            config: config.clone(),
            cluster: OnceLock::new(),
            assignment: Assignment::new(unchecked, config.tombstones).into(),
            ids: Mutex::default(),
        }
    }

    pub(super) fn guarantee(&self) -> Guarantee {
        self.config.delivery
    }

    pub(super) fn on_gap(&self) -> OnGap {
        self.config.on_gap
    }

    pub(super) fn bookmarks(&self) -> &dyn Bookmarks {
        &*self.bookmarks
    }

    /// The id of a topic that is read.
    pub(super) fn note_id(&self, topic: &str, id: &str) {
        lock(&self.ids).insert(topic.to_owned(), id.to_owned());
    }

    /// Those of these topics that have another id than when they were begun.
    pub(super) fn changed(&self, ids: &Ids) -> Vec<(String, String)> {
        let known = lock(&self.ids);
        let is_other = |(topic, id): &(&String, &String)| known.get(*topic) != Some(*id);
        ids.iter().filter(is_other).map(|(topic, id)| (topic.clone(), id.clone())).collect()
    }

    pub(super) fn store(&self) -> &str {
        self.bookmarks.store()
    }

    /// Said once, before the subscription.
    pub(super) fn set_cluster(&self, cluster: Arc<str>) {
        self.desk.health().cluster = Some(cluster.clone());
        let _already = self.cluster.set(cluster);
    }

    pub(super) fn assignment(&self) -> MutexGuard<'_, Assignment> {
        lock(&self.assignment)
    }

    pub(super) fn cluster(&self) -> Arc<str> {
        self.cluster.get().cloned().unwrap_or_else(|| "unknown".into())
    }

    /// Where a partition starts of which this is known.
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
            Known::Nothing => {
                let asked = patiently(&self.reach, || starting::by_rule(consumer, self.config.start, topic, number));
                let failed = |error| SourceError::Start {
                    topic: topic.to_owned(),
                    partition: number,
                    start: self.config.start.to_string(),
                    source: Box::new(error),
                };
                // Where it is stopped meanwhile nothing is read.
                Ok(asked.map_err(failed)?.unwrap_or(Point::Beginning))
            }
        }
    }

    fn assign(&self, consumer: &BaseConsumer<Self>, list: &mut TopicPartitionList) -> Result<(), SourceError> {
        let topics: BTreeSet<_> = list.elements().iter().map(|element| element.topic().to_owned()).collect();
        let held = self.held(consumer, &topics)?;
        let ids = self.ids(consumer, &topics);
        let of =
            |topic: &String| Ok((topic.clone(), self.stored(consumer, topic, ids.get(topic).map(String::as_str))?));
        let stored: HashMap<_, _> = topics.iter().map(of).collect::<Result<_, SourceError>>()?;
        let (mut beginnings, mut frozen) = (Vec::new(), Vec::new());
        for mut element in list.elements() {
            let (topic, number) = (element.topic().to_owned(), element.partition());
            let (epoch, known) = self.known(&stored[&topic], &held, &topic, number);
            let point = self.point(consumer, &topic, number, known)?;
            element.set_offset(point.offset()).map_err(SourceError::Assign)?;
            let next = if let Known::Next(next) = known { Some(next) } else { None };
            tracing::info!(topic, partition = number, from = %point, stored = next.is_some(), "Reading a partition");
            let stands_still = starting::is_frozen(&stored[&topic].bookmarks, number);
            frozen.push((topic.clone(), number, stands_still));
            let partition = Partition { cluster: self.cluster(), topic: topic.as_str().into(), number, epoch };
            beginnings.push((partition, next, point));
        }
        self.hand_to_kafka(consumer, list)?;
        for (topic, number, frozen) in frozen {
            self.assignment().freeze(&topic, number, frozen);
        }
        self.begin(consumer, beginnings)?;
        self.claim(consumer, &held);
        Ok(())
    }

    /// What Kafka holds for the group, if it is read for our store.
    pub(super) fn held(&self, consumer: &BaseConsumer<Self>, topics: &BTreeSet<String>) -> Result<Held, SourceError> {
        let failed = |error| SourceError::Group { group: self.config.group.clone(), source: Box::new(error) };
        let held = patiently(&self.reach, || Held::ask(consumer, topics)).map_err(failed)?.unwrap_or_default();
        self.refuse_other_store(&held)?;
        Ok(held)
    }

    pub(super) fn refuse_other_store(&self, held: &Held) -> Result<(), SourceError> {
        let refusal = |theirs: &str| SourceError::OtherStore {
            group: self.config.group.clone(),
            theirs: theirs.to_owned(),
            ours: self.store().to_owned(),
        };
        held.other_store(self.store()).map_or(Ok(()), |theirs| Err(refusal(theirs)))
    }

    /// The epoch of a partition, and where reading goes on: the store says so, or Kafka.
    fn known(&self, stored: &Stored, held: &Held, topic: &str, number: i32) -> (i64, Known) {
        let (epoch, known) = starting::known(&stored.bookmarks, number);
        // What Kafka holds of a topic is of the life before.
        if self.guarantee() == Guarantee::ExactlyOnce || stored.begun {
            return (epoch, known);
        }
        let known = match held.of(topic, number) {
            Some(committed) => Known::Next(committed.offset),
            None if held.knows(topic) => Known::Beginning,
            None => Known::Nothing,
        };
        (epoch, known)
    }

    /// Has Kafka hear of where the store begins: its name goes along. Where Kafka holds another offset that is said.
    fn claim(&self, consumer: &BaseConsumer<Self>, held: &Held) {
        if self.guarantee() != Guarantee::ExactlyOnce {
            return self.correct(held);
        }
        let mut drifted = 0;
        for chain in &self.assignment().chains {
            let Partition { topic, number, .. } = &chain.lease.partition;
            let (committed, next) =
                (held.of(topic, *number), chain.next.or_else(|| self.low(consumer, topic, *number)));
            let (Some(next), false) = (next, chain.lease.has_settled()) else { continue };
            if let Some(committed) = committed.filter(|it| it.offset != next && chain.next.is_some()) {
                drifted += 1;
                tracing::warn!(
                    topic = &**topic,
                    partition = number,
                    committed = committed.offset,
                    stored = next,
                    "Kafka holds another offset for the group than the store, which decides"
                );
            }
            chain.lease.settle(next);
        }
        self.desk.health().drifted = drifted;
        self.commit_lazily(consumer);
    }

    /// Has Kafka hear of where reading goes on in another life of a topic than the one that it knows.
    fn correct(&self, held: &Held) {
        for chain in &self.assignment().chains {
            let Partition { topic, number, .. } = &chain.lease.partition;
            if let Some(next) = chain.next.filter(|next| held.of(topic, *number).is_none_or(|it| it.offset != *next)) {
                chain.lease.settle(next);
            }
        }
    }

    /// Where a log begins. It only matters to those who look at the group, so it is asked once.
    fn low(&self, consumer: &BaseConsumer<Self>, topic: &str, number: i32) -> Option<i64> {
        consumer.fetch_watermarks(topic, number, PATIENCE).ok().map(|(low, _)| low)
    }

    /// Whether a partition is frozen now; where the store cannot say it is as it was.
    pub(super) fn look_whether_frozen(&self, topic: &str, number: i32) -> bool {
        let stored = self.bookmarked(topic).map(|stored| starting::is_frozen(&stored, number));
        let mut assignment = self.assignment();
        let frozen = stored.unwrap_or_else(|_| assignment.is_frozen(topic, number));
        assignment.freeze(topic, number, frozen);
        self.count(&assignment);
        frozen
    }

    /// Has the messages of a partition wait in a queue of its own. To be said before it is assigned.
    pub(super) fn await_apart(&self, consumer: &BaseConsumer<Self>, topic: &str, number: i32) {
        // One that is dropped takes the call back with it.
        drop(self.assignment().await_no_more(topic, number));
        if let Some(queue) = PartitionQueue::open(consumer.client().native_ptr(), topic, number, &self.desk) {
            self.assignment().await_in(topic, number, queue);
        }
    }

    fn hand_to_kafka(&self, consumer: &BaseConsumer<Self>, list: &TopicPartitionList) -> Result<(), SourceError> {
        list.elements().iter().for_each(|element| self.await_apart(consumer, element.topic(), element.partition()));
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
    ) -> Result<(), SourceError> {
        let mut assignment = self.assignment();
        for (partition, stored, point) in beginnings {
            assignment.begin(partition, stored, point);
        }
        let frozen = assignment.partitions(|partition| assignment.is_frozen(&partition.topic, partition.number));
        consumer.pause(&frozen).map_err(SourceError::Assign)?;
        self.count(&assignment);
        Ok(())
    }

    fn revoke(&self, consumer: &BaseConsumer<Self>, list: &TopicPartitionList) -> KafkaResult<()> {
        // Kafka is told what is done before the partitions go.
        self.commit_last(consumer);
        let (mut assignment, mut left) = (self.assignment(), Vec::new());
        for element in list.elements() {
            tracing::info!(topic = element.topic(), partition = element.partition(), "No longer reading a partition");
            assignment.end(element.topic(), element.partition());
            left.extend(assignment.await_no_more(element.topic(), element.partition()));
        }
        self.count(&assignment);
        drop(assignment);
        let done = match consumer.rebalance_protocol() {
            RebalanceProtocol::Cooperative => consumer.incremental_unassign(list),
            RebalanceProtocol::Eager | RebalanceProtocol::None => consumer.unassign(),
        };
        left.iter().for_each(PartitionQueue::clear);
        done
    }

    fn count(&self, assignment: &Assignment) {
        let mut health = self.desk.health();
        health.partitions = assignment.chains.len();
        health.frozen = assignment.frozen_partitions();
        if health.state != State::Ended {
            health.state = if health.partitions == 0 { State::Waiting } else { State::Reading };
        }
    }
}

impl ClientContext for Context {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, line: &str) {
        self.reach.log(level, facility, line);
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

    fn commit_callback(&self, result: KafkaResult<()>, list: &TopicPartitionList) {
        self.lazily_committed(result, list);
    }
}
