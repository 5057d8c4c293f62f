//! The thread that owns the consumer: polls, hands batches on, keeps its place in the group when nobody takes them.

use std::{
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use rdkafka::{
    consumer::{BaseConsumer, Consumer},
    error::{KafkaError, RDKafkaErrorCode},
    message::{BorrowedMessage, Message as _},
};

use super::{
    Bookmarks, Deliveries, KafkaConfig, Source, SourceError, client,
    context::Context,
    deliveries::{Ending, NotSent, Outlet, channel},
    desk::{Desk, Order, State},
    gap,
    incoming::owned,
    reach::Reach,
    starting::Known,
};
use crate::domain::message::Partition;

/// How long a poll waits when there is nothing to do. Orders and settled offsets are seen to at this pace.
const IDLE: Duration = Duration::from_millis(100);
/// How long a batch that is not full grows on while the receiver still has another one.
const GROWING: Duration = Duration::from_millis(2);
/// How long the thread waits for the receiver without polling, before it pauses and polls to stay in the group.
const PATIENCE: Duration = Duration::from_secs(1);
const PAUSED: Duration = Duration::from_millis(20);
const STORE_EVERY: Duration = Duration::from_millis(500);
const ASK_EVERY: Duration = Duration::from_secs(2);

/// Opens Kafka: checks the configuration, and connects, joins and reads in the background for as long as it takes.
pub fn open(
    config: &KafkaConfig,
    topics: Vec<String>,
    bookmarks: Arc<dyn Bookmarks>,
) -> Result<(Source, Deliveries), SourceError> {
    let desk = Desk::new(true);
    let context = Context::new(desk.clone(), Reach::new(&config.brokers, desk.clone()), bookmarks, config.start);
    let consumer = client::consumer(config)?.create_with_context(context).map_err(|error| config.explain(error))?;
    let (outlet, deliveries, ending) = channel(desk.clone());
    let reader = Reader {
        consumer,
        topics,
        config: config.clone(),
        desk: desk.clone(),
        outlet,
        stored: Instant::now(),
        asked: Instant::now(),
    };
    let thread = thread::Builder::new().name("kafka-source".to_owned());
    thread.spawn(move || reader.run(ending)).map_err(SourceError::Thread)?;
    Ok((Source::new(desk), deliveries))
}

struct Reader {
    consumer: BaseConsumer<Context>,
    topics: Vec<String>,
    config: KafkaConfig,
    desk: Arc<Desk>,
    outlet: Outlet,
    stored: Instant,
    asked: Instant,
}

/// Why reading ends without an error.
struct Stopped;

impl Reader {
    fn run(mut self, ending: Ending) {
        self.desk.served_here();
        if let Err(error) = self.read() {
            self.desk.health().problem = Some(error.to_string());
            self.outlet.send(Err(error));
        }
        self.desk.health().state = State::Ended;
        self.finish();
        drop(ending);
    }

    fn read(&mut self) -> Result<(), SourceError> {
        let Some(cluster) = self.connect() else {
            return Ok(());
        };
        self.consumer.context().set_cluster(cluster);
        self.desk.health().state = State::Waiting;
        self.subscribe()?;
        while !self.desk.stopping() {
            self.follow_orders()?;
            self.gather()?;
            if self.hand_on()?.is_err() {
                break;
            }
            self.errands();
        }
        Ok(())
    }

    /// Asks for the cluster's id until there is an answer. None: told to stop before.
    fn connect(&self) -> Option<Arc<str>> {
        while !self.desk.stopping() {
            let answer = self.consumer.client().fetch_cluster_id(IDLE * 5);
            // Serves what librdkafka has to say meanwhile.
            while self.consumer.poll(Duration::ZERO).is_some() {}
            if let Some(cluster) = answer {
                self.consumer.context().reach.answered();
                tracing::info!(brokers = %self.config.brokers, cluster, "Connected to Kafka");
                return Some(cluster.into());
            }
        }
        None
    }

    fn subscribe(&self) -> Result<(), SourceError> {
        if self.topics.is_empty() {
            self.consumer.unsubscribe();
            return Ok(());
        }
        let topics: Vec<&str> = self.topics.iter().map(String::as_str).collect();
        self.consumer.subscribe(&topics).map_err(SourceError::Subscribe)
    }

    fn follow_orders(&mut self) -> Result<(), SourceError> {
        for order in self.desk.take_orders() {
            match order {
                Order::Subscribe(topics) => {
                    self.topics = topics;
                    self.subscribe()?;
                }
                Order::PutBack { partition, next } => self.put_back(partition, next)?,
                Order::Hold(topic) => self.hold(topic)?,
                Order::Release(topic) => self.release(&topic)?,
            }
        }
        Ok(())
    }

    fn put_back(&self, partition: Partition, next: Option<i64>) -> Result<(), SourceError> {
        let context = self.consumer.context();
        // What is settled of it goes with its lease.
        context.store_settled(&self.consumer);
        let (topic, number) = (partition.topic.clone(), partition.number);
        if context.assignment().chain(&topic, number).is_none() {
            tracing::debug!(%partition, ?next, "Put back after it was taken away");
            return Ok(());
        }
        let frozen = context.look_whether_frozen(&topic, number);
        tracing::info!(%partition, ?next, frozen, "Starting a partition again");
        let point = context.point(&self.consumer, &topic, number, next.map_or(Known::Nothing, Known::Next))?;
        self.pause_as_needed(&partition)?;
        gap::restart(&self.consumer, &topic, number, point)?;
        context.assignment().begin(partition.clone(), next, point);
        // It may have been assigned anew.
        self.pause_as_needed(&partition)
    }

    fn pause_as_needed(&self, partition: &Partition) -> Result<(), SourceError> {
        let assignment = self.consumer.context().assignment();
        let held = assignment.paused || assignment.is_held(partition);
        let list = assignment.partitions(|other| other == partition);
        drop(assignment);
        let done = if held { self.consumer.pause(&list) } else { self.consumer.resume(&list) };
        done.map_err(cannot_pause)
    }

    fn hold(&self, topic: String) -> Result<(), SourceError> {
        let mut assignment = self.consumer.context().assignment();
        let list = assignment.partitions(|other| *other.topic == *topic);
        assignment.held.insert(topic);
        drop(assignment);
        self.consumer.pause(&list).map_err(cannot_pause)
    }

    fn release(&self, topic: &str) -> Result<(), SourceError> {
        let mut assignment = self.consumer.context().assignment();
        let was_held = assignment.held.remove(topic);
        let list = assignment.partitions(|other| &*other.topic == topic && !assignment.is_held(other));
        let resumes = was_held && !assignment.paused;
        drop(assignment);
        if resumes { self.consumer.resume(&list).map_err(cannot_pause) } else { Ok(()) }
    }

    /// Polls until the batch is full or nothing is there at the moment.
    fn gather(&self) -> Result<(), SourceError> {
        let started = !self.consumer.context().assignment().batch.is_empty();
        let mut wait = if started { GROWING } else { IDLE };
        while !self.is_full() && !self.desk.stopping() {
            let Some(polled) = self.consumer.poll(wait) else {
                break;
            };
            wait = Duration::ZERO;
            match polled {
                Ok(message) => self.add(&message),
                Err(error) => self.judge(error)?,
            }
        }
        match self.consumer.context().assignment().failure.take() {
            Some(failure) => Err(failure),
            None => Ok(()),
        }
    }

    fn is_full(&self) -> bool {
        let batch = &self.consumer.context().assignment().batch;
        batch.is_full(self.config.max_messages, self.config.max_bytes)
    }

    fn add(&self, message: &BorrowedMessage<'_>) {
        let (topic, number) = (message.topic(), message.partition());
        let ours = self.consumer.context().assignment().add(topic, number, || owned(message));
        if !ours {
            tracing::debug!(topic, partition = number, offset = message.offset(), "Not ours, dropped");
        }
    }

    /// Whether an error ends the deliveries.
    fn judge(&self, error: KafkaError) -> Result<(), SourceError> {
        use RDKafkaErrorCode as Code;
        let reach = &self.consumer.context().reach;
        match error {
            KafkaError::MessageConsumptionFatal(code) => {
                Err(SourceError::Fatal { reason: format!("{code}: {}", reach.last()) })
            }
            KafkaError::MessageConsumption(Code::AutoOffsetReset | Code::OffsetOutOfRange) => {
                gap::bridge(&self.consumer, self.config.on_gap)
            }
            KafkaError::MessageConsumption(
                Code::BadMessage
                | Code::BadCompression
                | Code::MessageSizeTooLarge
                | Code::InvalidMessage
                | Code::NotImplemented,
            ) => Err(SourceError::Unreadable { reason: reach.last() }),
            // The rest passes, and was said when it came.
            _ => Ok(()),
        }
    }

    /// Hands the batch on when the receiver waits for it, or when it is full.
    fn hand_on(&mut self) -> Result<Result<(), Stopped>, SourceError> {
        let nothing = self.consumer.context().assignment().batch.is_empty();
        if nothing || !(self.outlet.is_idle() || self.is_full()) {
            return Ok(Ok(()));
        }
        if !self.outlet.has_room() {
            self.wait_for_room()?;
        }
        let deliveries = self.consumer.context().assignment().take(&self.desk);
        if deliveries.is_empty() || self.desk.stopping() {
            return Ok(Ok(()));
        }
        match self.outlet.offer(deliveries) {
            Ok(()) => Ok(Ok(())),
            Err(NotSent::Closed) => Ok(Err(Stopped)),
            // Nobody else sends, so the room that was there still is.
            Err(NotSent::Full(deliveries)) => Ok(if self.outlet.send(Ok(deliveries)) { Ok(()) } else { Err(Stopped) }),
        }
    }

    /// Waits until the receiver has taken a batch: at first just so, then paused and polling.
    fn wait_for_room(&mut self) -> Result<(), SourceError> {
        let since = Instant::now();
        while since.elapsed() < PATIENCE {
            thread::park_timeout(PATIENCE.saturating_sub(since.elapsed()));
            if self.outlet.has_room() || self.desk.stopping() {
                return Ok(());
            }
        }
        tracing::debug!("The receiver is behind, pausing");
        self.pause(true)?;
        while !self.outlet.has_room() && !self.desk.stopping() {
            match self.consumer.poll(PAUSED) {
                Some(Ok(message)) => self.add(&message),
                Some(Err(error)) => self.judge(error)?,
                None => {}
            }
            self.errands();
        }
        self.pause(false)
    }

    fn pause(&self, pause: bool) -> Result<(), SourceError> {
        let mut assignment = self.consumer.context().assignment();
        assignment.paused = pause;
        let list = assignment.partitions(|partition| !assignment.is_held(partition));
        drop(assignment);
        let result = if pause { self.consumer.pause(&list) } else { self.consumer.resume(&list) };
        result.map_err(cannot_pause)
    }

    /// What is done from time to time.
    fn errands(&mut self) {
        if self.stored.elapsed() >= STORE_EVERY {
            self.stored = Instant::now();
            self.consumer.context().store_settled(&self.consumer);
        }
        let reach = &self.consumer.context().reach;
        if reach.is_down() && self.asked.elapsed() >= ASK_EVERY {
            if self.consumer.fetch_metadata(Some(""), IDLE).is_ok() {
                reach.answered();
            }
            self.asked = Instant::now();
        }
    }

    /// Stays in the group until nothing more is settled, then tells Kafka and leaves.
    fn finish(self) {
        let Self { consumer, desk, outlet, .. } = self;
        drop(outlet);
        consumer.context().assignment().batch.take(&desk);
        while !desk.closing() {
            let _read_again_next_time = consumer.poll(IDLE);
        }
        consumer.context().store_settled(&consumer);
        // Dropping the consumer commits what is stored and leaves the group.
        drop(consumer);
        tracing::debug!("The consumer is closed");
    }
}

fn cannot_pause(error: KafkaError) -> SourceError {
    SourceError::Fatal { reason: error.to_string() }
}
