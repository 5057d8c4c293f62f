//! The thread that owns the consumer: polls, hands batches on, keeps its place in the group when nobody takes them.

use std::{
    sync::{
        Arc,
        mpsc::{self, RecvTimeoutError},
    },
    thread,
    time::{Duration, Instant},
};

use rdkafka::{
    consumer::{BaseConsumer, Consumer},
    error::{KafkaError, RDKafkaErrorCode},
    message::{BorrowedMessage, Message as _},
};

use super::{
    Bookmarks, Deliveries, Guarantee, KafkaConfig, Source, SourceError, client,
    context::Context,
    deliveries::{Ending, NotSent, Outlet, channel},
    desk::{Desk, Order, State},
    gap,
    incoming::owned,
    looking::{Looking, look_at_group},
    starting::{self, Known},
};
use crate::domain::message::Partition;

/// How long a poll waits when there is nothing to do. Orders and settled offsets are seen to at this pace.
const IDLE: Duration = Duration::from_millis(100);
/// How long a batch that is not full grows on while the receiver still has another one.
const GROWING: Duration = Duration::from_millis(2);
/// How long the thread waits for the receiver without polling, before it polls to stay in the group.
const PATIENCE: Duration = Duration::from_secs(1);
/// How long such a poll waits.
const WAITING: Duration = Duration::from_millis(20);
/// A commit that failed is tried again after so long.
const COMMIT_AGAIN: Duration = Duration::from_millis(500);
const ASK_EVERY: Duration = Duration::from_secs(2);
/// How long Kafka is given to hear that this member leaves. A stop has more time for intake, unless it is configured short.
const LEAVING: Duration = Duration::from_secs(8);

/// Opens Kafka: checks the configuration, and connects, joins and reads in the background for as long as it takes.
pub fn open(
    config: &KafkaConfig,
    topics: Vec<String>,
    bookmarks: Arc<dyn Bookmarks>,
) -> Result<(Source, Deliveries), SourceError> {
    let (desk, names) = (Desk::new(true), Arc::new(config.topics.clone()));
    let context = Context::new(desk.clone(), names.renamed(bookmarks), config);
    let mut consumer: BaseConsumer<Context> =
        client::consumer(config)?.create_with_context(context).map_err(|error| config.explain(error))?;
    let served = desk.clone();
    consumer.set_nonempty_callback(move || served.wake());
    let (outlet, deliveries, ending) = channel(desk.clone(), Arc::clone(&names));
    let reader = Reader {
        consumer: Arc::new(consumer),
        topics: names.all_in_kafka(topics),
        config: config.clone(),
        desk: desk.clone(),
        outlet,
        committed: Instant::now(),
        commit_failed: false,
        looking: Looking::new(),
        asked: Instant::now(),
    };
    let thread = thread::Builder::new().name("kafka-source".to_owned());
    thread.spawn(move || reader.run(ending)).map_err(SourceError::Thread)?;
    Ok((Source::new(desk, names), deliveries))
}

struct Reader {
    consumer: Arc<BaseConsumer<Context>>,
    topics: Vec<String>,
    config: KafkaConfig,
    desk: Arc<Desk>,
    outlet: Outlet,
    /// When a commit was tried last, and whether it failed.
    committed: Instant,
    commit_failed: bool,
    looking: Looking,
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
        self.enquire()?;
        self.desk.health().state = State::Waiting;
        self.subscribe()?;
        while !self.desk.stopping() {
            self.follow_orders()?;
            self.gather()?;
            if self.hand_on()?.is_err() {
                break;
            }
            self.errands()?;
        }
        Ok(())
    }

    /// Joins no group that is read for another store.
    fn enquire(&self) -> Result<(), SourceError> {
        let topics = self.topics.iter().cloned().collect();
        self.consumer.context().held(&self.consumer, &topics).map(drop)
    }

    /// Acts on what was seen from afar, if it is still so.
    fn look(&self) -> Result<(), SourceError> {
        look_at_group(&self.consumer, &self.topics.iter().cloned().collect())?;
        self.look_at_ids()
    }

    /// A topic may have been deleted and made again while it is read.
    fn look_at_ids(&self) -> Result<(), SourceError> {
        let context = self.consumer.context();
        let read = context.assignment().all();
        let ids = context.ids(&self.consumer, &context.assignment().topics());
        for (topic, id) in context.changed(&ids) {
            if context.stored(&self.consumer, &topic, Some(&id))?.begun {
                for (_, number) in read.iter().filter(|(of, _)| **of == *topic) {
                    // librdkafka has another queue for it than for the partition of the same name that is gone.
                    context.await_apart(&self.consumer, &topic, *number);
                    self.begin_again(&topic, *number)?;
                }
            }
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
            self.consumer.context().reach.is_not_reached();
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
                Order::Reset { topic, partition } => self.reset(&topic, partition)?,
                Order::Hold(topic) => {
                    self.consumer.context().assignment().held.insert(topic);
                }
                Order::Release(topic) => {
                    self.consumer.context().assignment().held.remove(&topic);
                }
            }
        }
        Ok(())
    }

    fn put_back(&self, partition: Partition, next: Option<i64>) -> Result<(), SourceError> {
        let context = self.consumer.context();
        let (topic, number) = (partition.topic.clone(), partition.number);
        if context.assignment().chain(&topic, number).is_none() {
            tracing::debug!(%partition, ?next, "Put back after it was taken away");
            return Ok(());
        }
        // It may be in another epoch by now.
        let (epoch, _) = starting::known(&context.bookmarked(&topic)?, number);
        let partition = Partition { epoch, ..partition };
        let frozen = context.look_whether_frozen(&topic, number);
        tracing::info!(%partition, ?next, frozen, "Starting a partition again");
        let point = context.point(&self.consumer, &topic, number, next.map_or(Known::Nothing, Known::Next))?;
        self.pause_as_needed(&partition)?;
        gap::restart(&self.consumer, &topic, number, point)?;
        let mut assignment = context.assignment();
        assignment.begin(partition.clone(), next, point);
        if let (true, Some(next), Some(chain)) = (frozen, next, assignment.chain(&topic, number)) {
            // What comes before the message is recorded, and Kafka is to hear of it.
            chain.lease.settle(next);
        }
        drop(assignment);
        // It may have been assigned anew.
        self.pause_as_needed(&partition)
    }

    fn pause_as_needed(&self, partition: &Partition) -> Result<(), SourceError> {
        let assignment = self.consumer.context().assignment();
        let frozen = assignment.is_frozen(&partition.topic, partition.number);
        let list = assignment.partitions(|other| other == partition);
        drop(assignment);
        let done = if frozen { self.consumer.pause(&list) } else { self.consumer.resume(&list) };
        done.map_err(cannot_pause)
    }

    /// What is stored of a partition was changed from outside.
    fn reset(&self, topic: &str, number: i32) -> Result<(), SourceError> {
        if self.consumer.context().assignment().chain(topic, number).is_none() {
            return Ok(());
        }
        self.begin_again(topic, number)
    }

    fn begin_again(&self, topic: &str, number: i32) -> Result<(), SourceError> {
        let context = self.consumer.context();
        gap::begin_again(&self.consumer, topic, number)?;
        context.look_whether_frozen(topic, number);
        let partition = context.assignment().chain(topic, number).map(|chain| chain.lease.partition.clone());
        partition.map_or(Ok(()), |partition| self.pause_as_needed(&partition))
    }

    /// Takes what is there until the batch is full or nothing is left, and waits for it if there is nothing.
    fn gather(&self) -> Result<(), SourceError> {
        let started = !self.consumer.context().assignment().batch.is_empty();
        let mut wait = if started { self.growing().map_or(GROWING, |rest| rest.min(IDLE)) } else { IDLE };
        while !self.is_full() && !self.desk.stopping() {
            // What is among the events is older than what waits for itself.
            if self.serve(Duration::ZERO)? | self.draw()? {
                wait = Duration::ZERO;
            } else if wait.is_zero() {
                break;
            } else {
                thread::park_timeout(wait);
                wait = Duration::ZERO;
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

    /// Sees to what librdkafka has to say, rebalances above all. Whether there may be more of it.
    fn serve(&self, wait: Duration) -> Result<bool, SourceError> {
        match self.consumer.poll(wait) {
            Some(Ok(message)) => self.add(&message),
            Some(Err(error)) => self.judge(error)?,
            None => return Ok(false),
        }
        Ok(true)
    }

    /// Takes in messages that wait. False: there are none.
    fn draw(&self) -> Result<bool, SourceError> {
        let (context, mut troubles) = (self.consumer.context(), Vec::new());
        let found = context.assignment().draw(self.config.max_messages, self.config.max_bytes, &mut troubles);
        for (code, words) in troubles {
            context.reach.heard(Some(code), &words);
            self.judge(KafkaError::MessageConsumption(code))?;
        }
        Ok(found)
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

    /// Hands the batch on when the receiver waits for it and it has waited for more, or when it is full.
    fn hand_on(&mut self) -> Result<Result<(), Stopped>, SourceError> {
        let nothing = self.consumer.context().assignment().batch.is_empty();
        let due = self.is_full() || self.outlet.is_idle() && self.growing().is_none();
        if nothing || !due {
            return Ok(Ok(()));
        }
        if !self.outlet.has_room() {
            self.wait_until(Self::has_room)?;
        }
        if self.config.delivery == Guarantee::AtMostOnce {
            self.commit_ahead()?;
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

    /// How long a batch may still wait for more messages.
    fn growing(&self) -> Option<Duration> {
        let age = self.consumer.context().assignment().batch.age()?;
        Duration::from_millis(self.config.max_wait_ms).checked_sub(age).filter(|rest| !rest.is_zero())
    }

    /// Has Kafka take what is read before it is handed on. It may take as long as it takes.
    fn commit_ahead(&mut self) -> Result<(), SourceError> {
        if self.consumer.context().commit_ahead(&self.consumer) {
            return Ok(());
        }
        self.wait_until(|reader| {
            let due = reader.committed.elapsed() >= COMMIT_AGAIN;
            due && {
                reader.committed = Instant::now();
                reader.consumer.context().commit_ahead(&reader.consumer)
            }
        })
    }

    fn has_room(&mut self) -> bool {
        self.outlet.has_room()
    }

    /// Waits for something, and takes no messages meanwhile: at first just so, then polling, to stay in the group.
    fn wait_until(&mut self, mut is_so: impl FnMut(&mut Self) -> bool) -> Result<(), SourceError> {
        let since = Instant::now();
        while since.elapsed() < PATIENCE {
            thread::park_timeout(PATIENCE.saturating_sub(since.elapsed()));
            if self.desk.stopping() || is_so(self) {
                return Ok(());
            }
        }
        tracing::debug!("Nothing can be handed on");
        while !self.desk.stopping() && !is_so(self) {
            self.serve(WAITING)?;
            self.errands()?;
        }
        Ok(())
    }

    /// What is done from time to time.
    fn errands(&mut self) -> Result<(), SourceError> {
        self.commit();
        let is_down = self.consumer.context().reach.is_down();
        if is_down && self.asked.elapsed() >= ASK_EVERY {
            if self.consumer.fetch_metadata(Some(""), IDLE).is_ok() {
                self.consumer.context().reach.answered();
            }
            self.asked = Instant::now();
        }
        if self.looking.found_something() {
            self.look()?;
        }
        if !is_down {
            self.looking.begin(&self.consumer, &self.topics);
        }
        Ok(())
    }

    fn commit(&mut self) {
        let context = self.consumer.context();
        let since = self.committed.elapsed();
        match self.config.delivery {
            Guarantee::ExactlyOnce if since.as_secs() >= self.config.commit_interval_seconds => {
                context.commit_lazily(&self.consumer);
                self.committed = Instant::now();
            }
            Guarantee::AtLeastOnce if !self.commit_failed || since >= COMMIT_AGAIN => {
                self.commit_failed = !context.commit_settled(&self.consumer);
                self.committed = Instant::now();
            }
            _ => {}
        }
    }

    /// Stays in the group until nothing more is settled, then tells Kafka and leaves.
    fn finish(self) {
        let Self { consumer, desk, outlet, looking, .. } = self;
        drop(outlet);
        consumer.context().assignment().batch.take(&desk);
        while !desk.closing() {
            let _read_again_next_time = consumer.poll(IDLE);
        }
        consumer.context().commit_last(&consumer);
        leave(consumer, looking);
    }
}

/// Leaves the group. A Kafka that is away is not waited for: librdkafka would as long as a session, where a commit that
/// nobody answered is under way. Then the group lets go of this member when its session is over.
fn leave(consumer: Arc<BaseConsumer<Context>>, mut looking: Looking) {
    let (leaving, left) = mpsc::channel::<()>();
    let thread = thread::Builder::new().name("kafka-leaving".to_owned());
    let begun = thread.spawn(move || {
        looking.end();
        // Dropping it leaves the group.
        drop(consumer);
        drop(leaving);
    });
    match begun {
        Ok(_ends_by_itself) if left.recv_timeout(LEAVING) == Err(RecvTimeoutError::Timeout) => {
            tracing::info!("Kafka was not told that this member leaves its group: it does not answer");
        }
        Ok(_ended) => tracing::debug!("The consumer is closed"),
        Err(error) => tracing::debug!(%error, "The consumer was closed without a thread of its own"),
    }
}

fn cannot_pause(error: KafkaError) -> SourceError {
    SourceError::Fatal { reason: error.to_string() }
}
