//! What becomes of messages on which a matcher fails, as configured: the real binary, a real broker.

mod freezing;
mod limiting;
mod releasing;
mod retrying;
mod skipping;
mod stopping;

use eventlatch_tests::{
    cluster::Cluster,
    home::{DEADLINE, Home, Ran, noon_zone},
    service::Service,
    waiting::wait_for,
};
use rdkafka::{
    ClientConfig,
    producer::{FutureProducer, FutureRecord},
};
use serde_json::{Value, json};

use crate::guests::UNRULY;

/// The names that messages have which are wanted.
const NAMES: [&str; 15] = [
    "p0-0", "p0-1", "p0-2", "p0-3", "p0-4", "p1-0", "p1-1", "p1-2", "p1-3", "p1-4", "p2-0", "p2-1", "p2-2", "p2-3",
    "p2-4",
];

/// How far each partition was read.
const NEXT: &str = "SELECT \"partition\" || ':' || next FROM offsets ORDER BY 1";

/// What was recorded, message by message.
const MATCHES: &str = "SELECT \"partition\" || ':' || \"offset\" FROM matches ORDER BY \"partition\", \"offset\"";

/// Where partitions stand still.
const FROZEN: &str =
    "SELECT \"partition\" || ':' || \"offset\" || ' ' || kind || ' ' || matcher FROM frozen_partitions ORDER BY 1";

/// A place for a service with the matcher `unruly`, which does what messages say, and a sensor that wants all of them.
fn home(cluster: &Cluster, matchers: &str) -> Home {
    let config = format!("[matchers]\ndirectory = \"matchers\"\n{matchers}\n[matchers.limits]\nbase_ms = 100\n");
    let home = Home::new(&config)
        .with("EVENTLATCH_KAFKA_BROKERS", cluster.brokers())
        .with("EVENTLATCH_SENSORS_TIMEZONE", noon_zone());
    home.write("matchers/unruly.wasm", UNRULY);
    let wanted = NAMES.map(|name| json!({"frequency": "D", "topic": "unruly", "name": name, "task_id": name}));
    home.write("sensors/all.json", json!({"wanted": wanted}).to_string());
    home
}

/// A cluster with the topic of the matcher.
async fn cluster(partitions: i32) -> Cluster {
    Cluster::start(&["unruly"], partitions).await
}

/// Sends to partitions, each message named after its place, one after the other: `"2:panic"` is one for the partition 2.
async fn send(cluster: &Cluster, messages: &[&str]) {
    let producer: FutureProducer = ClientConfig::new().set("bootstrap.servers", cluster.brokers()).create().unwrap();
    for message in messages {
        let (partition, act) = message.split_once(':').unwrap();
        let partition: i32 = partition.parse().unwrap();
        let offset = cluster.ends("unruly").into_iter().find(|(number, _)| *number == partition).unwrap().1;
        let value = value(partition, offset, act);
        let record = FutureRecord::<(), _>::to("unruly").partition(partition).payload(&value);
        producer.send(record, DEADLINE).await.unwrap();
    }
}

fn value(partition: i32, offset: i64, act: &str) -> String {
    match act {
        "malformed" => "not JSON".to_owned(),
        act => json!({"name": format!("p{partition}-{offset}"), "act": act}).to_string(),
    }
}

/// Has a partition released, and says what came of it.
fn partition(home: &Home, service: &mut Service, arguments: &[&str]) -> Ran {
    let url = service.url();
    home.run(&[&["partition"], arguments, &["--url", &url]].concat())
}

/// A document of the service's API.
fn get(service: &mut Service, path: &str) -> Value {
    let mut answer = ureq::get(format!("{}{path}", service.url())).call().unwrap();
    serde_json::from_str(&answer.body_mut().read_to_string().unwrap()).unwrap()
}

/// The value of a metric now; 0 where it was not counted.
fn metric(service: &mut Service, name: &str) -> f64 {
    let text = ureq::get(format!("{}/metrics", service.url())).call().unwrap().body_mut().read_to_string().unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    line.map_or(0.0, |value| value.parse().unwrap())
}

/// Waits until the log says something.
fn wait_for_words(service: &Service, words: &str) {
    wait_for(words, DEADLINE, || service.log().contains(words).then_some(()).ok_or(service.log_end()));
}
