//! How fast messages go from a real broker through a matcher into SQLite, against a bare consumer that only counts.
//!
//! Both read the same topic from its beginning, turn by turn. A turn is timed from the first messages that were there, so
//! that joining the group and compiling matchers do not count. One message in a hundred is wanted. CPU time is told beside it:
//! how much there is to do, whatever else the machine does and however many cores it has.

#[path = "support/cpu.rs"]
mod cpu;
#[path = "support/ratio.rs"]
mod ratio;
#[path = "support/sending.rs"]
mod sending;
#[path = "support/spread.rs"]
mod spread;

use std::{
    thread,
    time::{Duration, Instant},
};

use eventlatch_tests::{
    cluster::{Cluster, message},
    home::{Home, open},
    service::Service,
    topic::unique,
};
use ratio::{Rounds, times};
use rdkafka::{
    ClientConfig,
    consumer::{BaseConsumer, Consumer},
};
use rusqlite::Connection;
use serde_json::json;
use spread::Spread;

const TOPIC: &str = "etl-finish";
const PARTITIONS: i32 = 4;
const MESSAGES: u64 = 1_000_000;
const ROUNDS: usize = 10;

/// So many tables are wanted, of a hundred times as many.
const WANTED: u64 = 100;

const BARE: usize = 0;
const SERVICE: usize = 1;

/// A look at what was recorded costs a query.
const LOOK: Duration = Duration::from_millis(2);

#[tokio::main]
async fn main() {
    let cluster = Cluster::start(&[TOPIC], PARTITIONS).await;
    fill(&cluster).await;
    println!("throughput: {MESSAGES} messages of 215 bytes; goal 0.90x or more of a bare consumer");
    let mut busy = [const { Vec::new() }; 2];
    let rounds = tokio::task::block_in_place(|| {
        Rounds::run(ROUNDS, 2, |contestant| {
            let turn = match contestant {
                BARE => read_bare(&cluster),
                _ => read_by_service(&cluster),
            };
            busy[contestant].push(turn.busy.as_nanos() as f64);
            turn.elapsed
        })
    });
    // Who takes half the time is twice as fast.
    println!("  messages a second: {}", times(&rounds.ratio(BARE, SERVICE)));
    let [bare, service] = &busy;
    println!("  CPU time: {}", times(&Spread::of(service.iter().zip(bare).map(|(service, bare)| service / bare))));
    for (contestant, name) in [(BARE, "bare consumer"), (SERVICE, "eventlatch")] {
        let speed = 1e9 / rounds.nanoseconds(contestant, MESSAGES as usize);
        let busy = Spread::of(busy[contestant].iter().copied()).median / MESSAGES as f64;
        println!("  {name}: {speed:.0}/s, {busy:.0} ns of CPU time a message");
    }
}

/// What a million messages took.
struct Turn {
    elapsed: Duration,
    /// Of all threads of who read them; the broker's is not in it.
    busy: Duration,
}

/// Two clocks at the beginning of a turn.
struct Started {
    process: String,
    at: Instant,
    busy: Duration,
}

impl Started {
    fn now(process: impl ToString) -> Self {
        let process = process.to_string();
        Self { at: Instant::now(), busy: cpu::time_of(&process), process }
    }

    /// What all messages took, where so many were counted since.
    fn turn(self, messages: u64) -> Turn {
        let share = MESSAGES as f64 / messages as f64;
        let (elapsed, busy) = (self.at.elapsed(), cpu::time_of(&self.process) - self.busy);
        Turn { elapsed: elapsed.mul_f64(share), busy: busy.mul_f64(share) }
    }
}

async fn fill(cluster: &Cluster) {
    let mut random = fastrand::Rng::with_seed(1);
    let messages = (0..MESSAGES).map(|number| {
        let table = format!("table{}", random.u64(..100 * WANTED));
        let mut message = message(TOPIC, sending::written(&table, number));
        message.key = Some(number.to_string().into());
        message
    });
    cluster.producer.send_all(messages).await.expect("the broker takes messages");
}

/// As one would write it who only wants to know how many there are, and knows librdkafka: by itself it leaves a partition
/// alone for a second when much of it waits.
fn read_bare(cluster: &Cluster) -> Turn {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", cluster.brokers()).set("group.id", unique("bare"));
    config.set("auto.offset.reset", "earliest");
    config.set("fetch.queue.backoff.ms", "20").set("queued.min.messages", "20000");
    let consumer: BaseConsumer = config.create().expect("the configuration is good");
    consumer.subscribe(&[TOPIC]).expect("the topic has a name");
    let (mut count, mut started) = (0, None);
    while count < MESSAGES {
        if let Some(polled) = consumer.poll(Duration::from_millis(100)) {
            polled.expect("the broker delivers");
            started.get_or_insert_with(|| Started::now("self"));
            count += 1;
        }
    }
    started.expect("there are messages").turn(MESSAGES)
}

fn read_by_service(cluster: &Cluster) -> Turn {
    let home = home(cluster);
    let mut service = home.serve();
    let store = loop {
        if home.path("eventlatch.db").exists() {
            break open(&home.path("eventlatch.db"));
        }
        thread::sleep(LOOK);
    };
    let first = recorded_more_than(0, &store, &mut service);
    let started = Started::now(service.pid());
    let all = recorded_more_than(MESSAGES - 1, &store, &mut service);
    assert_eq!(all, MESSAGES, "each message is recorded once");
    started.turn(MESSAGES - first)
}

fn home(cluster: &Cluster) -> Home {
    let home = Home::new("[api]\nenabled = false\n")
        .with("EVENTLATCH_KAFKA_BROKERS", cluster.brokers())
        .with("EVENTLATCH_KAFKA_GROUP", unique("service"))
        .with("EVENTLATCH_SENSORS_TIMEZONE", eventlatch_tests::home::noon_zone());
    let wanted = (0..WANTED).map(|table| {
        json!({"frequency": "D", "topic": TOPIC, "db": "db", "table": format!("table{table}"), "partition_values": "",
               "task_id": format!("task{table}")})
    });
    home.write("sensors/tables.json", json!({"wanted": wanted.collect::<Vec<_>>()}).to_string());
    home
}

/// Waits until more than so many messages are recorded.
fn recorded_more_than(count: u64, store: &Connection, service: &mut Service) -> u64 {
    loop {
        let sql = "SELECT ifnull(sum(next), 0) FROM offsets";
        // The tables may not be there yet.
        let recorded: i64 = store.query_row(sql, [], |row| row.get(0)).unwrap_or_default();
        let recorded = recorded.unsigned_abs();
        if recorded > count {
            return recorded;
        }
        assert!(service.ended().is_none(), "the service has ended:\n{}", service.log_end());
        thread::sleep(LOOK);
    }
}
