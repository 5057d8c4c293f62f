//! The partitions that are ours, and the chain of slices of each.

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    sync::Arc,
};

use rdkafka::{TopicPartitionList, error::RDKafkaErrorCode};

use super::{
    SourceError, Tombstones,
    batch::Batch,
    deliveries::Delivery,
    desk::Desk,
    incoming::Tray,
    native::partition_queue::{AT_ONCE, PartitionQueue},
    receipt::Lease,
    starting::Point,
};
use crate::domain::message::{Before, Message, Partition};

/// One partition that is read now.
#[derive(Debug)]
pub(super) struct Chain {
    pub(super) lease: Arc<Lease>,
    /// Where the slice before ended, or what was stored at the start. None: nothing is stored.
    pub(super) next: Option<i64>,
}

/// Where the messages of a partition wait that Kafka has brought.
#[derive(Debug)]
struct Waiting {
    topic: Arc<str>,
    number: i32,
    queue: PartitionQueue,
}

/// What came out of the queues that is no message, with librdkafka's words on it.
pub(super) type Trouble = (RDKafkaErrorCode, String);

/// What is read now and has not been handed on. Only the source's thread touches it, in rebalances and between them.
#[derive(Debug, Default)]
pub(super) struct Assignment {
    pub(super) chains: Vec<Chain>,
    pub(super) batch: Batch,
    waiting: Vec<Waiting>,
    /// Whose turn it is of those.
    turn: usize,
    tray: Tray,
    /// Whether Kafka decides where reading goes on, and not the store.
    pub(super) unchecked: bool,
    tombstones: Tombstones,
    /// Topics whose messages stay where they wait. Pausing them in librdkafka would drop what waits, and it takes up to a
    /// second to begin again.
    pub(super) held: HashSet<String>,
    /// Partitions that are paused until they are put back, by topic.
    pub(super) frozen: HashMap<String, HashSet<i32>>,
    /// What went wrong in a rebalance. It ends the deliveries.
    pub(super) failure: Option<SourceError>,
}

impl Assignment {
    pub(super) fn new(unchecked: bool, tombstones: Tombstones) -> Self {
        Self { unchecked, tombstones, ..Self::default() }
    }

    /// What must be stored for a slice that goes on at an offset, or begins.
    fn before(&self, next: Option<i64>) -> Before {
        if self.unchecked { Before::Anything } else { next.into() }
    }

    /// Reads a partition from here on. A starting point that Kafka gave, and not the store, is announced.
    pub(super) fn begin(&mut self, partition: Partition, stored: Option<i64>, point: Point) {
        self.end(&partition.topic, partition.number);
        let lease = Lease::new(partition);
        if let (None, Point::At(offset)) = (stored, point) {
            self.batch.begin(lease.clone(), self.before(None), offset);
        }
        self.chains.push(Chain { lease, next: stored });
    }

    /// Goes on at another place than where the chain stood, and says so.
    pub(super) fn jump(&mut self, partition: Partition, from: i64, to: i64) {
        self.end(&partition.topic, partition.number);
        let lease = Lease::new(partition);
        self.batch.begin(lease.clone(), self.before(Some(from)), to);
        self.chains.push(Chain { lease, next: Some(from) });
    }

    /// Ends the chain of a partition, if it is ours.
    pub(super) fn end(&mut self, topic: &str, number: i32) -> Option<Chain> {
        let at = self.chains.iter().position(|chain| chain.lease.is(topic, number))?;
        let chain = self.chains.swap_remove(at);
        chain.lease.end();
        Some(chain)
    }

    /// Some of the partitions.
    pub(super) fn partitions(&self, which: impl Fn(&Partition) -> bool) -> TopicPartitionList {
        let mut list = TopicPartitionList::new();
        let all = self.chains.iter().map(|chain| &chain.lease.partition);
        for partition in all.filter(|partition| which(partition)) {
            list.add_partition(&partition.topic, partition.number);
        }
        list
    }

    /// All that is read.
    pub(super) fn all(&self) -> Vec<(Arc<str>, i32)> {
        let partitions = self.chains.iter().map(|chain| &chain.lease.partition);
        partitions.map(|partition| (Arc::clone(&partition.topic), partition.number)).collect()
    }

    /// The topics of all that is read.
    pub(super) fn topics(&self) -> BTreeSet<Arc<str>> {
        self.chains.iter().map(|chain| Arc::clone(&chain.lease.partition.topic)).collect()
    }

    pub(super) fn is_frozen(&self, topic: &str, number: i32) -> bool {
        self.frozen.get(topic).is_some_and(|numbers| numbers.contains(&number))
    }

    /// Freezes a partition, or lets go of it.
    pub(super) fn freeze(&mut self, topic: &str, number: i32, frozen: bool) {
        let numbers = self.frozen.entry(topic.to_owned()).or_default();
        if frozen {
            numbers.insert(number)
        } else {
            numbers.remove(&number)
        };
    }

    pub(super) fn frozen_partitions(&self) -> usize {
        let frozen = |chain: &&Chain| self.is_frozen(&chain.lease.partition.topic, chain.lease.partition.number);
        self.chains.iter().filter(frozen).count()
    }

    pub(super) fn chain(&self, topic: &str, number: i32) -> Option<&Chain> {
        self.chains.iter().find(|chain| chain.lease.is(topic, number))
    }

    /// The offset that a chain has read up to, with what has not been handed on.
    pub(super) fn position(&self, chain: &Chain) -> Option<i64> {
        self.batch.end_of(&chain.lease).or(chain.next)
    }

    /// Takes messages of a partition from a queue of its own from now on.
    pub(super) fn await_in(&mut self, topic: &str, number: i32, queue: PartitionQueue) {
        self.waiting.push(Waiting { topic: topic.into(), number, queue });
    }

    pub(super) fn await_no_more(&mut self, topic: &str, number: i32) -> Option<PartitionQueue> {
        let is = |waiting: &Waiting| waiting.number == number && *waiting.topic == *topic;
        let at = self.waiting.iter().position(is)?;
        Some(self.waiting.swap_remove(at).queue)
    }

    /// Takes in a message that did not wait in a queue of its partition. False if its partition is not ours (any more).
    pub(super) fn add(&mut self, topic: &str, number: i32, message: impl FnOnce() -> Message) -> bool {
        let ours = self.turn_to(topic, number);
        if ours {
            self.batch.add(message(), self.tombstones);
        }
        ours
    }

    /// Takes in what waits, the partitions in turn, until the batch is full or nothing is left but what is held. False:
    /// there was nothing.
    pub(super) fn draw(&mut self, max_messages: usize, max_bytes: usize, troubles: &mut Vec<Trouble>) -> bool {
        let all = std::mem::take(&mut self.waiting);
        let (mut found, mut empty) = (false, 0);
        self.tray.renew();
        while empty < all.len() && !self.batch.is_full(max_messages, max_bytes) {
            self.turn = (self.turn + 1) % all.len();
            let room = max_messages.saturating_sub(self.batch.messages()).clamp(1, AT_ONCE);
            let count = self.draw_from(&all[self.turn], room, troubles);
            found |= count > 0;
            empty = if count > 0 { 0 } else { empty + 1 };
        }
        self.waiting = all;
        found
    }

    fn draw_from(&mut self, from: &Waiting, room: usize, troubles: &mut Vec<Trouble>) -> usize {
        let Waiting { topic, number, queue } = from;
        if self.held.contains(&**topic) {
            return 0;
        }
        let mut ours = None;
        queue.take(room, |message| match message.error() {
            Some(trouble) => troubles.push(trouble),
            None if *ours.get_or_insert_with(|| self.turn_to(topic, *number)) => {
                self.batch.add(self.tray.owned(message), self.tombstones);
            }
            None => tracing::debug!(%topic, partition = number, offset = message.offset(), "Not ours, dropped"),
        })
    }

    /// Finds or begins the slice of a partition that grows. False if the partition is not ours (any more).
    fn turn_to(&mut self, topic: &str, number: i32) -> bool {
        if self.batch.turn_to(topic, number) {
            return true;
        }
        let chain = self.chain(topic, number).filter(|chain| !chain.lease.ended() && !self.is_frozen(topic, number));
        let Some((lease, next)) = chain.map(|chain| (chain.lease.clone(), chain.next)) else {
            return false;
        };
        self.batch.begin(lease, self.before(next), next.unwrap_or(0));
        true
    }

    /// Gives away what has been read, and moves the chains on.
    pub(super) fn take(&mut self, desk: &Arc<Desk>) -> Vec<Delivery> {
        let deliveries = self.batch.take(desk);
        for Delivery { slice, .. } in &deliveries {
            let Partition { topic, number, .. } = &slice.partition;
            if let Some(chain) = self.chains.iter_mut().find(|chain| chain.lease.is(topic, *number)) {
                chain.next = Some(slice.span.to);
            }
        }
        deliveries
    }
}
