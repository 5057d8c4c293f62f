//! The receiving end of a source.

use std::sync::Arc;

use tokio::sync::{
    mpsc::{self, error::TrySendError},
    oneshot,
};

use super::{SourceError, Topics, desk::Desk, receipt::Receipt};
use crate::domain::message::Slice;

/// So many batches wait for the receiver; what comes after them stays with the broker.
const WAITING: usize = 2;

/// Consecutive messages of one partition and the receipt for them.
///
/// A slice without messages says where reading starts: it is to be recorded like any other, so that a restart before
/// the first message starts there, too.
#[derive(Debug)]
pub struct Delivery {
    pub slice: Slice,
    pub receipt: Receipt,
}

type Batch = Result<Vec<Delivery>, SourceError>;

/// What a source brings. Dropping it stops the source.
#[derive(Debug)]
pub struct Deliveries {
    batches: mpsc::Receiver<Batch>,
    desk: Arc<Desk>,
    topics: Arc<Topics>,
    /// Closes when the thread has ended.
    ended: oneshot::Receiver<()>,
}

/// The sending end, in the hands of the source's thread.
#[derive(Debug)]
pub(super) struct Outlet {
    batches: mpsc::Sender<Batch>,
}

/// Held by the thread for as long as it runs.
pub(super) type Ending = oneshot::Sender<()>;

pub(super) fn channel(desk: Arc<Desk>, topics: Arc<Topics>) -> (Outlet, Deliveries, Ending) {
    let (sender, batches) = mpsc::channel(WAITING);
    let (ending, ended) = oneshot::channel();
    (Outlet { batches: sender }, Deliveries { batches, desk, topics, ended }, ending)
}

impl Deliveries {
    /// What one poll brought: at least one slice, at most one of each partition, in order of first appearance. None
    /// when the source has ended; after an error it has.
    pub async fn next(&mut self) -> Option<Result<Vec<Delivery>, SourceError>> {
        loop {
            let batch = tokio::select! {
                biased;
                batch = self.batches.recv() => batch?,
                // The thread may be waiting for input.
                () = self.desk.stopped() => {
                    self.batches.close();
                    self.batches.recv().await?
                }
            };
            self.desk.wake();
            let Ok(mut deliveries) = batch else {
                return Some(batch);
            };
            deliveries.retain(|delivery| !delivery.receipt.outdated());
            deliveries.iter_mut().for_each(|delivery| self.topics.rename(&mut delivery.slice.partition));
            if !deliveries.is_empty() {
                return Some(Ok(deliveries));
            }
        }
    }

    /// Stops the source, tells Kafka what was settled and leaves the group. Done when that is done.
    pub async fn close(mut self) {
        self.batches.close();
        self.desk.close();
        // An error is what is waited for: the thread dropped its end.
        let _ended = (&mut self.ended).await;
    }
}

impl Drop for Deliveries {
    fn drop(&mut self) {
        self.desk.close();
    }
}

/// Why a batch could not be handed over.
pub(super) enum NotSent {
    /// The receiver is behind.
    Full(Vec<Delivery>),
    /// Nobody listens any more.
    Closed,
}

impl Outlet {
    /// Whether the receiver has taken all that was sent.
    pub(super) fn is_idle(&self) -> bool {
        self.batches.capacity() == self.batches.max_capacity()
    }

    pub(super) fn has_room(&self) -> bool {
        self.batches.capacity() > 0 || self.batches.is_closed()
    }

    pub(super) fn offer(&self, batch: Vec<Delivery>) -> Result<(), NotSent> {
        self.batches.try_send(Ok(batch)).map_err(|error| match error {
            TrySendError::Full(Ok(batch)) => NotSent::Full(batch),
            TrySendError::Full(Err(_)) | TrySendError::Closed(_) => NotSent::Closed,
        })
    }

    /// Waits for room, however long it takes. False when nobody listens any more.
    pub(super) fn send(&self, batch: Batch) -> bool {
        self.batches.blocking_send(batch).is_ok()
    }
}
