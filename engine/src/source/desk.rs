//! What the outside may ask of a running source, and what it may know.

use std::{
    sync::{
        Arc, Mutex, MutexGuard, OnceLock, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread::Thread,
};

use tokio::sync::Notify;

use super::Topics;
use crate::domain::message::Partition;

/// The handle of a running source. Dropping it changes nothing.
#[derive(Debug, Clone)]
pub struct Source {
    desk: Arc<Desk>,
    topics: Arc<Topics>,
}

impl Source {
    pub(super) fn new(desk: Arc<Desk>, topics: Arc<Topics>) -> Self {
        Self { desk, topics }
    }

    /// What topics are called in Kafka.
    pub fn topics(&self) -> &Topics {
        &self.topics
    }

    /// Reads these topics from now on, and no others.
    pub fn subscribe(&self, topics: Vec<String>) {
        self.desk.order(Order::Subscribe(self.topics.all_in_kafka(topics)));
    }

    /// Starts a partition again at `next`, or where one without a stored offset starts, in the epoch that it names; one
    /// that is frozen stays there. Does nothing if the partition is not read here.
    pub fn put_back(&self, partition: &Partition, next: Option<i64>) {
        self.desk.order(Order::PutBack { partition: self.topics.partition_in_kafka(partition), next });
    }

    /// Reads a partition again from what is stored of it now: another epoch, another offset.
    pub fn reset(&self, topic: &str, partition: i32) {
        self.desk.order(Order::Reset { topic: self.topics.in_kafka(topic).to_owned(), partition });
    }

    /// Brings no more messages of a topic, while others go on; what was read already still comes. False where a source
    /// cannot do that: a file has one end only.
    pub fn hold(&self, topic: &str) -> bool {
        if self.desk.holds_topics {
            self.desk.order(Order::Hold(self.topics.in_kafka(topic).to_owned()));
        }
        self.desk.holds_topics
    }

    /// Brings messages of a held topic again.
    pub fn release(&self, topic: &str) {
        self.desk.order(Order::Release(self.topics.in_kafka(topic).to_owned()));
    }

    /// Whether somebody ended the deliveries; else they end with the input.
    pub fn is_stopping(&self) -> bool {
        self.desk.stopping()
    }

    /// Waits until somebody ends the deliveries.
    pub async fn stopped(&self) {
        self.desk.stopped().await;
    }

    /// Ends the deliveries. What was delivered may still be settled until [`super::Deliveries::close`].
    pub fn stop(&self) {
        self.desk.stop();
    }

    pub fn health(&self) -> Health {
        self.desk.health().clone()
    }
}

/// How a source is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Health {
    pub state: State,
    /// The cluster's id, once it is known.
    pub cluster: Option<Arc<str>>,
    /// How many partitions are read.
    pub partitions: usize,
    /// How many of them stand still until somebody releases them.
    pub frozen: usize,
    /// What is wrong now, in one sentence.
    pub problem: Option<String>,
    /// Why Kafka does not take what is done, where it decides where reading goes on: after a crash messages would come
    /// again (at-least-once), or none are handed on (at-most-once).
    pub uncommitted: Option<String>,
    /// How many commits to Kafka have failed. Each was tried again.
    pub failed_commits: u64,
    /// Of how many partitions that were assigned last Kafka held another offset than the store, which decides.
    pub drifted: usize,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum State {
    /// The broker has not been reached yet.
    #[default]
    Connecting,
    /// No partition is assigned: the group is being joined, or others have them all, or the topics do not exist.
    Waiting,
    Reading,
    Ended,
}

#[derive(Debug)]
pub(super) enum Order {
    Subscribe(Vec<String>),
    PutBack { partition: Partition, next: Option<i64> },
    Reset { topic: String, partition: i32 },
    Hold(String),
    Release(String),
}

/// Shared between the thread of a source, its handles and its receipts.
#[derive(Debug)]
pub(super) struct Desk {
    holds_topics: bool,
    orders: Mutex<Vec<Order>>,
    stopping: AtomicBool,
    stop: Notify,
    closing: AtomicBool,
    thread: OnceLock<Thread>,
    health: Mutex<Health>,
}

impl Desk {
    /// `holds_topics`: whether one topic can be held while others go on.
    pub(super) fn new(holds_topics: bool) -> Arc<Self> {
        Arc::new(Self {
            holds_topics,
            orders: Mutex::default(),
            stopping: AtomicBool::new(false),
            stop: Notify::new(),
            closing: AtomicBool::new(false),
            thread: OnceLock::new(),
            health: Mutex::default(),
        })
    }

    /// Said once by the thread that serves the desk, so that it can be woken.
    pub(super) fn served_here(&self) {
        let _already = self.thread.set(std::thread::current());
    }

    pub(super) fn wake(&self) {
        if let Some(thread) = self.thread.get() {
            thread.unpark();
        }
    }

    pub(super) fn order(&self, order: Order) {
        lock(&self.orders).push(order);
        self.wake();
    }

    pub(super) fn take_orders(&self) -> Vec<Order> {
        std::mem::take(&mut *lock(&self.orders))
    }

    pub(super) fn stop(&self) {
        self.stopping.store(true, Ordering::Release);
        self.stop.notify_waiters();
        self.wake();
    }

    pub(super) fn stopping(&self) -> bool {
        self.stopping.load(Ordering::Acquire)
    }

    /// Waits until somebody stops the source.
    pub(super) async fn stopped(&self) {
        let stop = self.stop.notified();
        if !self.stopping() {
            stop.await;
        }
    }

    /// Nothing will be settled any more.
    pub(super) fn close(&self) {
        self.closing.store(true, Ordering::Release);
        self.stop();
    }

    pub(super) fn closing(&self) -> bool {
        self.closing.load(Ordering::Acquire)
    }

    pub(super) fn health(&self) -> MutexGuard<'_, Health> {
        lock(&self.health)
    }
}

/// What a panic elsewhere left behind is still good: every value behind these locks is whole at any time.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
