//! The partitions that are ours, and the chain of slices of each.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use rdkafka::TopicPartitionList;

use super::{SourceError, Tombstones, batch::Batch, deliveries::Delivery, desk::Desk, receipt::Lease, starting::Point};
use crate::domain::message::{Before, Message, Partition};

/// One partition that is read now.
#[derive(Debug)]
pub(super) struct Chain {
    pub(super) lease: Arc<Lease>,
    /// Where the slice before ended, or what was stored at the start. None: nothing is stored.
    pub(super) next: Option<i64>,
}

/// What is read now and has not been handed on. Only the source's thread touches it, in rebalances and between them.
#[derive(Debug, Default)]
pub(super) struct Assignment {
    pub(super) chains: Vec<Chain>,
    pub(super) batch: Batch,
    /// Whether Kafka decides where reading goes on, and not the store.
    pub(super) unchecked: bool,
    pub(super) tombstones: Tombstones,
    /// Whether nothing is fetched at the moment; partitions that come meanwhile are paused, too.
    pub(super) paused: bool,
    /// Topics that are paused whatever else is read.
    pub(super) held: HashSet<String>,
    /// Partitions that are paused until they are put back, by topic.
    pub(super) frozen: HashMap<String, HashSet<i32>>,
    /// What went wrong in a rebalance. It ends the deliveries.
    pub(super) failure: Option<SourceError>,
}

impl Assignment {
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

    /// Whether a partition is paused whatever else is read.
    pub(super) fn is_held(&self, partition: &Partition) -> bool {
        self.held.contains(&*partition.topic) || self.is_frozen(&partition.topic, partition.number)
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

    /// Takes a message in. False if its partition is not ours (any more).
    pub(super) fn add(&mut self, topic: &str, number: i32, message: impl FnOnce() -> Message) -> bool {
        if !self.batch.turn_to(topic, number) {
            if self.is_frozen(topic, number) {
                return false;
            }
            let Some(chain) = self.chain(topic, number) else {
                return false;
            };
            if chain.lease.ended() {
                return false;
            }
            let (lease, next) = (chain.lease.clone(), chain.next);
            self.batch.begin(lease, self.before(next), next.unwrap_or(0));
        }
        self.batch.add(message(), self.tombstones);
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
