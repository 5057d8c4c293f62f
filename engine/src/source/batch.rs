//! Makes slices of the messages that one poll brings.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::Bytes;

use super::{
    Tombstones,
    deliveries::Delivery,
    desk::Desk,
    receipt::{Lease, Receipt},
};
use crate::domain::message::{Before, Message, Slice, Span};

/// Slices that still grow, one for each partition, in order of first appearance.
#[derive(Debug, Default)]
pub(super) struct Batch {
    slices: Vec<Growing>,
    /// Index of the slice that grew last: messages come in runs.
    last: usize,
    /// So many came, also those that are passed over.
    messages: usize,
    bytes: usize,
    /// When the first message came.
    since: Option<Instant>,
}

#[derive(Debug)]
struct Growing {
    lease: Arc<Lease>,
    from: Before,
    to: i64,
    messages: Vec<Message>,
}

impl Batch {
    /// Begins a slice. Without messages it says that the partition starts at `to`.
    pub(super) fn begin(&mut self, lease: Arc<Lease>, from: Before, to: i64) {
        self.last = self.slices.len();
        self.slices.push(Growing { lease, from, to, messages: Vec::new() });
    }

    /// Finds the slice of a partition that grows now.
    pub(super) fn turn_to(&mut self, topic: &str, number: i32) -> bool {
        let grows = |slice: &Growing| slice.lease.is(topic, number) && !slice.lease.ended();
        if self.slices.get(self.last).is_some_and(grows) {
            return true;
        }
        let found = self.slices.iter().position(grows);
        self.last = found.unwrap_or(self.last);
        found.is_some()
    }

    /// Adds a message to the slice that was turned to. One from before its end was read already.
    pub(super) fn add(&mut self, message: Message, tombstones: Tombstones) {
        let Some(slice) = self.slices.get_mut(self.last) else {
            return;
        };
        if message.offset < slice.to {
            tracing::debug!(partition = %slice.lease.partition, offset = message.offset, "Came again, dropped");
            return;
        }
        slice.to = message.offset + 1;
        self.since.get_or_insert_with(Instant::now);
        self.messages += 1;
        self.bytes += message.key.as_ref().map_or(0, Bytes::len) + message.value.as_ref().map_or(0, Bytes::len);
        if message.value.is_some() || tombstones == Tombstones::Deliver {
            slice.messages.push(message);
        }
    }

    /// Where the slice of a lease ends, if it has one.
    pub(super) fn end_of(&self, lease: &Arc<Lease>) -> Option<i64> {
        self.slices.iter().find(|slice| Arc::ptr_eq(&slice.lease, lease)).map(|slice| slice.to)
    }

    /// Where each slice ends.
    pub(super) fn ends(&self) -> Vec<(Arc<Lease>, i64)> {
        let ours = self.slices.iter().filter(|slice| !slice.lease.ended());
        ours.map(|slice| (Arc::clone(&slice.lease), slice.to)).collect()
    }

    /// How long messages have been waiting for more. None: there are none.
    pub(super) fn age(&self) -> Option<Duration> {
        self.since.map(|since| since.elapsed())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.slices.is_empty()
    }

    /// How many messages came, also those that are passed over.
    pub(super) fn messages(&self) -> usize {
        self.messages
    }

    pub(super) fn is_full(&self, max_messages: usize, max_bytes: usize) -> bool {
        self.messages > 0 && (self.messages >= max_messages || self.bytes >= max_bytes)
    }

    /// Gives away what came together; slices whose lease has ended meanwhile are left out.
    pub(super) fn take(&mut self, desk: &Arc<Desk>) -> Vec<Delivery> {
        let slices = std::mem::take(self).slices;
        slices.into_iter().filter(|slice| !slice.lease.ended()).map(|slice| slice.deliver(desk)).collect()
    }
}

impl Growing {
    fn deliver(self, desk: &Arc<Desk>) -> Delivery {
        let Self { lease, from, to, messages } = self;
        let slice = Slice { partition: lease.partition.clone(), span: Span { from, to }, messages };
        Delivery { slice, receipt: Receipt::new(lease, to, desk.clone()) }
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::domain::message::Partition;

    fn lease(topic: &str, number: i32) -> Arc<Lease> {
        Lease::new(Partition { cluster: "c".into(), topic: topic.into(), number, epoch: 0 })
    }

    fn message(offset: i64) -> Message {
        Message {
            offset,
            arrival: Timestamp::UNIX_EPOCH,
            key: None,
            value: Some(Bytes::from_static(&[0; 10])),
            headers: Vec::new(),
        }
    }

    #[test]
    fn slices_are_by_partition_and_cover_what_lies_between() {
        let mut batch = Batch::default();
        batch.begin(lease("a", 0), Before::At(3), 3);
        batch.add(message(4), Tombstones::Deliver);
        batch.begin(lease("a", 1), Before::Nothing, 0);
        batch.add(message(0), Tombstones::Deliver);
        assert!(batch.turn_to("a", 0));
        batch.add(message(9), Tombstones::Deliver);
        batch.add(message(9), Tombstones::Deliver);
        assert!(!batch.turn_to("b", 0));
        assert!(batch.is_full(3, 1000) && !batch.is_full(4, 1000) && batch.is_full(4, 30));
        let slices: Vec<_> = batch.take(&Desk::new(false)).into_iter().map(|delivery| delivery.slice).collect();
        assert_eq!(
            slices.iter().map(|slice| slice.span).collect::<Vec<_>>(),
            [Span { from: Before::At(3), to: 10 }, Span { from: Before::Nothing, to: 1 }]
        );
        assert_eq!(slices[0].messages.len(), 2);
        assert!(batch.is_empty());
    }

    #[test]
    fn a_tombstone_that_is_passed_over_moves_the_end() {
        let mut batch = Batch::default();
        batch.begin(lease("a", 0), Before::At(3), 3);
        batch.add(Message { value: None, ..message(3) }, Tombstones::Skip);
        assert!(batch.is_full(1, 1000), "it counts: a log of nothing else is handed on, too");
        let slice = batch.take(&Desk::new(false)).remove(0).slice;
        assert_eq!((slice.span.to, slice.messages.len()), (4, 0));
    }

    #[test]
    fn a_slice_whose_lease_ended_is_left_out() {
        let mut batch = Batch::default();
        let (gone, kept) = (lease("a", 0), lease("a", 1));
        batch.begin(gone.clone(), Before::Nothing, 0);
        batch.add(message(0), Tombstones::Deliver);
        batch.begin(kept, Before::Nothing, 0);
        batch.add(message(0), Tombstones::Deliver);
        gone.end();
        assert!(!batch.turn_to("a", 0));
        assert_eq!(batch.take(&Desk::new(false)).len(), 1);
    }
}
