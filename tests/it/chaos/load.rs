//! What is wanted, what is sent, and what has to come of it.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use eventlatch::source::{Outgoing, Producer};
use eventlatch_tests::cluster::message;
use jiff::Timestamp;
use serde_json::json;
use tokio::task::JoinSet;

pub(super) const TOPICS: [&str; 2] = ["etl-finish", "job-finish"];

/// A wanted message is awaited for so many messages that are sent. With more tasks a build without optimisation would spend
/// its life between two kills on reading them.
const MESSAGES_PER_TASK: usize = 50;
const TASKS_PER_SENSOR: usize = 60;

/// Of twenty messages in a row: ten fulfil, four are near misses, two are malformed, four are for nobody.
const CYCLE: usize = 20;
const FULFILLING: usize = 10;

/// So many messages are sent at once: one by one they would be recorded as they come.
pub(super) const BURST: usize = 100;

/// The messages of a run. The same seed gives the same ones.
#[derive(Clone)]
pub(super) struct Load {
    messages: Vec<Kind>,
    tasks: usize,
}

#[derive(Debug, Clone, Copy)]
enum Kind {
    /// Brings what a task waits for.
    Fulfilling(usize),
    /// The same, but it happened on another day.
    NearMiss(usize),
    Malformed(usize),
    Unwanted(usize),
}

/// A message with its place: `topic|partition|offset`.
pub(super) struct Sent(Vec<(String, Kind)>);

impl Load {
    pub(super) fn new(count: usize, seed: u64) -> Self {
        let mut random = fastrand::Rng::with_seed(seed);
        let tasks = count / MESSAGES_PER_TASK;
        let kind = |number: usize| {
            // Tasks get their first message one after the other, all the time long.
            let newest = number * tasks / count;
            match number % CYCLE {
                0..FULFILLING if number.is_multiple_of(2) => Kind::Fulfilling(newest),
                0..FULFILLING => Kind::Fulfilling(random.usize(..=newest)),
                10..14 => Kind::NearMiss(random.usize(..tasks)),
                14..16 => Kind::Malformed(random.usize(..)),
                _ => Kind::Unwanted(number),
            }
        };
        Self { messages: (0..count).map(kind).collect(), tasks }
    }

    /// Sensor files by name.
    pub(super) fn sensors(&self) -> BTreeMap<String, String> {
        let mut sensors: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for task in 0..self.tasks {
            let mut wanted = fields(task);
            wanted["frequency"] = "D".into();
            wanted["topic"] = topic(task).into();
            wanted["task_id"] = name(task).into();
            sensors.entry(sensor(task)).or_default().push(wanted);
        }
        sensors.into_iter().map(|(sensor, wanted)| (sensor, json!({"wanted": wanted}).to_string())).collect()
    }

    /// `sensor|task|state` of all tasks when everything has come.
    pub(super) fn tasks(&self) -> Vec<String> {
        (0..self.tasks).map(|task| format!("{}|{}|success", sensor(task), name(task))).collect()
    }

    /// Sends the messages at a rate a second, in bursts, and counts those that have arrived.
    pub(super) async fn produce(self, producer: Producer, rate: usize, acknowledged: Arc<AtomicI64>) -> Sent {
        let mut tick = tokio::time::interval(Duration::from_secs(1) * BURST as u32 / rate as u32);
        let mut sending = JoinSet::new();
        for (number, kind) in self.messages.into_iter().enumerate() {
            if number.is_multiple_of(BURST) {
                tick.tick().await;
            }
            let (producer, message, acknowledged) = (producer.clone(), kind.message(number), acknowledged.clone());
            sending.spawn(async move {
                let (partition, offset) = producer.send(&message).await.unwrap();
                acknowledged.fetch_add(1, Ordering::SeqCst);
                (format!("{}|{partition}|{offset}", message.topic), kind)
            });
        }
        Sent(sending.join_all().await)
    }
}

impl Kind {
    fn message(self, number: usize) -> Outgoing {
        let now = Timestamp::now().as_second();
        let dated = |task, timestamp: i64| {
            let mut value = fields(task);
            value["timestamp"] = timestamp.into();
            if topic(task) == "job-finish" {
                value["is_success"] = true.into();
            }
            message(topic(task), value.to_string())
        };
        let sent = match self {
            Self::Fulfilling(task) => dated(task, now),
            Self::NearMiss(task) => dated(task, now - 2 * 86_400),
            Self::Unwanted(number) => dated(number + 1_000_000, now),
            Self::Malformed(which) => {
                let values = ["nonsense", "", "[]", r#"{"db": 1, "job_name": 1}"#, "\0\0\0\0\u{7}{}"];
                message(topic(which), values[which % values.len()])
            }
        };
        // The key spreads messages over the partitions.
        Outgoing { key: Some(number.to_string().into()), ..sent }
    }
}

impl Sent {
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// `topic|partition|offset|task`, sorted.
    pub(super) fn matches(&self) -> Vec<String> {
        let row = |(place, kind): &(String, Kind)| match kind {
            Kind::Fulfilling(task) => Some(format!("{place}|{}", name(*task))),
            _ => None,
        };
        let mut rows: Vec<_> = self.0.iter().filter_map(row).collect();
        rows.sort();
        rows
    }

    /// `topic|partition|offset`
    pub(super) fn dead_letters(&self) -> Vec<String> {
        let malformed = self.0.iter().filter(|(_, kind)| matches!(kind, Kind::Malformed(_)));
        malformed.map(|(place, _)| place.clone()).collect()
    }

    /// `task|number`
    pub(super) fn near_misses(&self) -> Vec<String> {
        let mut counts: BTreeMap<usize, usize> = BTreeMap::new();
        for (_, kind) in &self.0 {
            if let Kind::NearMiss(task) = kind {
                *counts.entry(*task).or_default() += 1;
            }
        }
        counts.into_iter().map(|(task, count)| format!("{}|{count}", name(task))).collect()
    }
}

/// Tasks wait for tables and jobs by turns.
fn topic(task: usize) -> &'static str {
    TOPICS[task % TOPICS.len()]
}

fn name(task: usize) -> String {
    format!("task{task}")
}

fn sensor(task: usize) -> String {
    format!("sensor{:03}", task / TASKS_PER_SENSOR)
}

fn fields(task: usize) -> serde_json::Value {
    match topic(task) {
        "etl-finish" => json!({"db": "db", "table": format!("table{task}"), "partition_values": ""}),
        _ => json!({"job_name": format!("job{task}")}),
    }
}
