//! A service under load that something is done to, and what has to come of it in the end.

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::{Duration, Instant},
};

use eventlatch_tests::{
    cluster::Cluster,
    home::{Home, noon_zone},
    service::Service,
    summary,
    waiting::{wait_for, wait_while_moving},
};
use tokio::task::JoinHandle;

use super::{
    effects::{Outside, Promise},
    load::{Load, Sent, TOPICS},
};

const STORE: &str = "eventlatch.db";
const NEXT: &str = r#"SELECT topic, "partition", next FROM offsets ORDER BY 1, 2"#;

/// Messages a second.
const RATE: usize = 1_000;

const CAUGHT_UP: Duration = Duration::from_secs(180);

/// A broker of its own, a service on it, and messages that come in the background.
pub(super) struct Trial {
    pub(super) cluster: Cluster,
    pub(super) home: Home,
    pub(super) service: Service,
    outside: Outside,
    load: Load,
    acknowledged: Arc<AtomicI64>,
    producing: JoinHandle<Sent>,
    begun: Instant,
}

impl Trial {
    /// Messages come for so long. The configuration is added to what all trials have.
    pub(super) async fn begin(lasting: Duration, seed: u64, config: &str) -> Self {
        Self::begin_with(Outside::Table, lasting, seed, config).await
    }

    /// The same with tasks that are somewhere else.
    pub(super) async fn begin_with(outside: Outside, lasting: Duration, seed: u64, config: &str) -> Self {
        let cluster = Cluster::start(&TOPICS, 4).await;
        let load = Load::new(lasting.as_secs() as usize * RATE, seed);
        let home = home(&cluster, &outside, &load, config);
        let acknowledged = Arc::new(AtomicI64::new(0));
        let producing = tokio::spawn(load.clone().produce(cluster.producer.clone(), RATE, acknowledged.clone()));
        let service = home.serve();
        Self { cluster, home, service, outside, load, acknowledged, producing, begun: Instant::now() }
    }

    /// So many messages are known to be in Kafka.
    pub(super) fn acknowledged(&self) -> i64 {
        self.acknowledged.load(Ordering::SeqCst)
    }

    /// `topic|partition|offset` of what is to be read next.
    pub(super) fn stored(&self) -> Vec<String> {
        // Before the first start came so far there is no store.
        self.home.rows_of(STORE, NEXT).unwrap_or_default()
    }

    /// So many messages at least are in Kafka and not recorded. Not known while the store is locked: whoever was stopped
    /// may hold it.
    pub(super) fn lag(&self) -> Option<i64> {
        let stored = self.home.rows_within(STORE, NEXT, Duration::ZERO).ok()?;
        Some(self.acknowledged() - total(&stored))
    }

    /// Waits until more is recorded than there was.
    pub(super) fn wait_for_progress(&mut self) {
        let before = total(&self.stored());
        wait_for("more messages to be recorded", CAUGHT_UP, || {
            let now = total(&self.stored());
            if now > before || self.producing.is_finished() { Ok(()) } else { Err(self.service.log_end()) }
        });
    }

    /// Waits for the last message and for what follows from it, and counts.
    pub(super) async fn end(self, story: &str, faults: &str) {
        self.end_with(Promise::Exact, story, faults).await
    }

    /// The same where less is promised.
    pub(super) async fn end_with(mut self, promise: Promise, story: &str, faults: &str) {
        let sent = (&mut self.producing).await.unwrap();
        let last = Instant::now();
        tokio::task::block_in_place(|| self.wait_until_caught_up());
        println!("caught up {:.1?} after the last message", last.elapsed());
        promise.assert_kept(&self.home, &self.outside, &self.load, &sent);
        let (messages, matches, marks) = (sent.len(), sent.matches().len(), self.load.tasks().len());
        let came = format!(
            "{messages} messages, {matches} matches, {marks} marks{}: {}",
            self.outside.words(),
            promise.words()
        );
        summary::tell("chaos", story, &format!("{faults} | {came} | {} s", self.begun.elapsed().as_secs()));
    }

    fn wait_until_caught_up(&mut self) {
        let ends = self.ends();
        wait_while_moving("all messages to be recorded and all tasks to be marked", CAUGHT_UP, || {
            assert!(self.service.ended().is_none(), "the service has ended by itself:\n{}", self.service.log_end());
            let pending = self.home.rows("SELECT count(*) FROM marks WHERE status = 'pending'");
            let stored: Vec<_> = self.stored().into_iter().filter(|row| !row.ends_with("|0")).collect();
            let far = format!("{stored:?} of {ends:?}, {pending:?} marks pending");
            if stored == ends && pending == ["0"] { Ok(()) } else { Err((far, self.service.log_end())) }
        });
    }

    /// As [`Self::stored`], of what comes next.
    fn ends(&self) -> Vec<String> {
        let of = |topic| {
            // Nothing is stored of a partition to which nothing came.
            let filled = self.cluster.ends(topic).into_iter().filter(|(_, end)| *end > 0);
            filled.map(move |(number, end)| format!("{topic}|{number}|{end}"))
        };
        TOPICS.into_iter().flat_map(of).collect()
    }
}

fn home(cluster: &Cluster, outside: &Outside, load: &Load, config: &str) -> Home {
    let home = Home::new(&format!("{}{config}", outside.config()))
        .with("EVENTLATCH_KAFKA_BROKERS", cluster.brokers())
        .with("EVENTLATCH_SENSORS_TIMEZONE", noon_zone());
    outside.prepare(&home);
    for (name, sensor) in load.sensors() {
        home.write(&format!("sensors/{name}.json"), sensor);
    }
    home
}

/// So many messages are before these offsets.
pub(super) fn total(offsets: &[String]) -> i64 {
    offsets.iter().map(|row| row.rsplit('|').next().unwrap().parse::<i64>().unwrap()).sum()
}
