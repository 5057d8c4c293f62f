//! The token that comes with a slice, and the lease behind it.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicI64, Ordering},
};

use super::desk::{Desk, Order};
use crate::domain::message::Partition;

/// The right to read one partition from one starting point on. It ends with a rebalance that takes the partition away,
/// and when the partition is put back; slices read under an ended lease are no longer delivered.
#[derive(Debug)]
pub(super) struct Lease {
    pub(super) partition: Partition,
    ended: AtomicBool,
    /// The highest settled offset, −1 for none. The reader collects it from time to time.
    settled: AtomicI64,
}

impl Lease {
    pub(super) fn new(partition: Partition) -> Arc<Self> {
        Arc::new(Self { partition, ended: AtomicBool::new(false), settled: AtomicI64::new(-1) })
    }

    /// Ends it. True for whoever was first.
    pub(super) fn end(&self) -> bool {
        !self.ended.swap(true, Ordering::AcqRel)
    }

    pub(super) fn ended(&self) -> bool {
        self.ended.load(Ordering::Acquire)
    }

    /// Says that all before an offset is done.
    pub(super) fn settle(&self, next: i64) {
        self.settled.fetch_max(next, Ordering::AcqRel);
    }

    /// What was settled since it was last asked.
    pub(super) fn take_settled(&self) -> Option<i64> {
        let settled = self.settled.swap(-1, Ordering::AcqRel);
        (settled >= 0).then_some(settled)
    }

    /// Whether something was settled that nobody has collected.
    pub(super) fn has_settled(&self) -> bool {
        self.settled.load(Ordering::Acquire) >= 0
    }

    pub(super) fn is(&self, topic: &str, number: i32) -> bool {
        self.partition.number == number && &*self.partition.topic == topic
    }
}

/// Comes with a slice. Settling it, or putting the slice back, is the only way back to the source; dropping it does
/// neither.
#[derive(Debug)]
pub struct Receipt {
    lease: Arc<Lease>,
    to: i64,
    desk: Arc<Desk>,
}

impl Receipt {
    pub(super) fn new(lease: Arc<Lease>, to: i64, desk: Arc<Desk>) -> Self {
        Self { lease, to, desk }
    }

    /// Says that the slice, and all before it in its partition, is recorded. Kafka hears of it with the next commit; if
    /// the partition is no longer ours, never.
    pub fn settle(self) {
        if self.lease.ended() {
            tracing::debug!(partition = %self.lease.partition, to = self.to, "Settled after the partition was gone");
        } else {
            self.lease.settle(self.to);
        }
    }

    /// Says that the slice does not count because `next` is stored for its partition: reading starts again there, or
    /// where a partition without a stored offset starts. What was read on from this slice is not delivered any more. For
    /// a slice of a lease that has ended already this does nothing.
    pub fn put_back(self, next: Option<i64>) {
        if self.lease.end() {
            self.desk.order(Order::PutBack { partition: self.lease.partition.clone(), next });
        }
    }

    pub(super) fn outdated(&self) -> bool {
        self.lease.ended()
    }
}
