//! How long it takes from sending a message until its task is marked, at a tenth of what the service can read.
//!
//! `EVENTLATCH_BENCH_RATE` sets how many messages are sent a second. One in a hundred marks a task of its own, in the
//! transaction that records the match (`local`). What is timed ends when another process sees the mark. Beside it a bare
//! consumer sees the same messages: that much of it is the broker's. What is sent in the first seconds is not counted: a broker
//! that has just started compiles itself.

#[path = "support/sending.rs"]
mod sending;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    thread,
    time::{Duration, Instant},
};

use eventlatch_tests::{
    cluster::Cluster,
    home::{DEADLINE, Home, noon_zone, open},
    service::Service,
    waiting::wait_for,
};
use rdkafka::{
    ClientConfig, Message as _, Offset, TopicPartitionList,
    consumer::{BaseConsumer, Consumer},
    producer::{BaseRecord, Producer as _, ThreadedProducer},
};
use rusqlite::Connection;
use serde_json::json;

const TOPIC: &str = "etl-finish";
const PARTITIONS: i32 = 4;
const SECONDS: u64 = 25;
const WARMING: u64 = 5;
const RATE: u64 = 20_000;

/// One message of so many marks a task.
const SHARE: u64 = 100;

/// Messages are sent so often.
const TICKS: u64 = 200;

const LOOK: Duration = Duration::from_micros(500);

/// When the message was sent that marks a task.
type Sent = Arc<Mutex<HashMap<u64, Instant>>>;

#[tokio::main]
async fn main() {
    let rate = std::env::var("EVENTLATCH_BENCH_RATE").map_or(RATE, |rate| rate.parse().expect("a rate is a number"));
    let tasks = rate * SECONDS / SHARE;
    let cluster = Cluster::start(&[TOPIC], PARTITIONS).await;
    let home = home(&cluster, tasks);
    let mut service = home.serve();
    home.wait_for_rows(&mut service, "SELECT count(*) FROM tasks WHERE state = 'pending'", &[&tasks.to_string()]);
    // Who is about to join the group is not late.
    wait_for("all partitions to be read", DEADLINE, || {
        let reading = service.log().matches("Reading a partition").count();
        if reading == PARTITIONS as usize { Ok(()) } else { Err(service.log_end()) }
    });
    let sent = Sent::default();
    let (brokers, seen) = (cluster.brokers().to_owned(), Arc::clone(&sent));
    let bare = thread::spawn(move || see_bare(&brokers, tasks, &seen));
    let (brokers, on_their_way) = (cluster.brokers(), Arc::clone(&sent));
    let sending = thread::spawn(move || send(&brokers, rate, &on_their_way));
    let store = open(&home.path("eventlatch.db"));
    let marks = watch(&store, tasks as usize, &sent, &mut service);
    sending.join().expect("the broker takes messages");
    let bare = bare.join().expect("the bare consumer sees all");
    println!("latency: from sending to the mark, {rate} messages a second; goal 20 ms or less for 99 of 100");
    let early = rate * WARMING / SHARE;
    tell("bare consumer", bare, early);
    tell("marks", marks, early);
}

/// Whose message took how long.
type Took = Vec<(u64, Duration)>;

fn tell(what: &str, took: Took, early: u64) {
    let mut took: Vec<_> = took.into_iter().filter(|(task, _)| *task >= early).map(|(_, took)| took).collect();
    took.sort();
    let at = |share: f64| took[((took.len() - 1) as f64 * share) as usize];
    println!("  {what}: {} of them, p50 {:.1?}, p99 {:.1?}, longest {:.1?}", took.len(), at(0.5), at(0.99), at(1.0));
}

fn home(cluster: &Cluster, tasks: u64) -> Home {
    let home = Home::new("[api]\nenabled = false\n")
        .with("EVENTLATCH_KAFKA_BROKERS", cluster.brokers())
        .with("EVENTLATCH_SENSORS_TIMEZONE", noon_zone());
    for first in (0..tasks).step_by(1_000) {
        let wanted = (first..tasks.min(first + 1_000)).map(|task| {
            json!({"frequency": "D", "topic": TOPIC, "db": "db", "table": name(task), "partition_values": "",
                   "task_id": name(task)})
        });
        home.write(&format!("sensors/from{first}.json"), json!({"wanted": wanted.collect::<Vec<_>>()}).to_string());
    }
    home
}

/// The table that a task waits for, and the task.
fn name(task: u64) -> String {
    format!("table{task:08}")
}

/// Sends at an even rate, as producers do that nobody has configured: librdkafka's and Java's both wait 5 ms for more, since with
/// a request for each message the broker's time goes into requests.
fn send(brokers: &str, rate: u64, sent: &Sent) {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", brokers);
    let producer: ThreadedProducer<_> = config.create().expect("the configuration is good");
    let begin = Instant::now();
    for tick in 0..SECONDS * TICKS {
        thread::sleep((begin + Duration::from_secs(1) * tick as u32 / TICKS as u32).duration_since(Instant::now()));
        for number in tick * rate / TICKS..(tick + 1) * rate / TICKS {
            let wanted = number.is_multiple_of(SHARE);
            let table = if wanted { name(number / SHARE) } else { format!("other{number}") };
            let (key, value) = (number.to_string(), sending::written(&table, number));
            if wanted {
                sent.lock().expect("nobody panicked").insert(number / SHARE, Instant::now());
            }
            producer.send(BaseRecord::to(TOPIC).key(&key).payload(&value)).expect("the producer has room");
        }
    }
    producer.flush(DEADLINE).expect("the broker takes messages");
}

fn since(sent: &Sent, task: u64, now: Instant) -> (u64, Duration) {
    (task, now - *sent.lock().expect("nobody panicked").get(&task).expect("it was sent before it came"))
}

/// Sees the messages of tasks as a consumer gets them that does nothing else.
fn see_bare(brokers: &str, tasks: u64, sent: &Sent) -> Took {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", brokers).set("group.id", "bare");
    let consumer: BaseConsumer = config.create().expect("the configuration is good");
    let mut all = TopicPartitionList::new();
    for partition in 0..PARTITIONS {
        all.add_partition_offset(TOPIC, partition, Offset::Beginning).expect("it is an offset");
    }
    consumer.assign(&all).expect("the topic is there");
    let mut took = Vec::new();
    while (took.len() as u64) < tasks {
        if let Some(polled) = consumer.poll(Duration::from_millis(100)) {
            let message = polled.expect("the broker delivers");
            let key = message.key().and_then(|key| str::from_utf8(key).ok());
            let number: u64 = key.and_then(|key| key.parse().ok()).expect("its key is its number");
            if number.is_multiple_of(SHARE) {
                took.push(since(sent, number / SHARE, Instant::now()));
            }
        }
    }
    took
}

/// Sees marks as they come.
fn watch(store: &Connection, tasks: usize, sent: &Sent, service: &mut Service) -> Took {
    let mut took = Vec::with_capacity(tasks);
    let mut seen = 0;
    let marks = "SELECT id, CAST(substr(task_id, 6) AS INTEGER) FROM marks
                  WHERE id > ? AND status = 'delivered' ORDER BY id";
    let mut look = store.prepare(marks).expect("the store has marks");
    while took.len() < tasks {
        let rows = look.query_map([seen], |row| Ok((row.get(0)?, row.get(1)?))).expect("the store can be read");
        let new: Vec<(i64, i64)> = rows.collect::<Result<_, _>>().expect("the store can be read");
        let now = Instant::now();
        for (id, task) in new {
            seen = id;
            took.push(since(sent, task.cast_unsigned(), now));
        }
        assert!(service.ended().is_none(), "the service has ended:\n{}", service.log_end());
        thread::sleep(LOOK);
    }
    took
}
