//! Matchers that come, go and fail while messages flow: the real binary, a real broker.

mod arriving;
mod breaking;
mod by_hand;
mod looping;
mod neighbours;
mod over_budget;
mod pushed;
mod refused;
mod removed;
mod rolled_back;
mod shadowed;
mod swapped;
mod unprepared;

use std::fs;

use eventlatch::matcher::BUILTINS;
use eventlatch_tests::{
    cluster::Cluster,
    home::{Home, noon_zone},
    service::Service,
};
use serde_json::{Value, json};

use crate::guests::{CHOOSY, ORDER_SHIPPED, PICKY, TAME, UNRULY, WEARY};

/// What the store has of builds, in the order in which they came.
const GENERATIONS: &str = "SELECT state FROM generations WHERE matcher = 'unruly' ORDER BY id";

/// A place for a service with a matcher directory, on a cluster.
fn home(cluster: &Cluster) -> Home {
    let home = Home::new("[matchers]\ndirectory = \"matchers\"\n[matchers.limits]\nbase_ms = 100\n")
        .with("EVENTLATCH_KAFKA_BROKERS", cluster.brokers())
        .with("EVENTLATCH_SENSORS_TIMEZONE", noon_zone());
    fs::create_dir(home.path("matchers")).unwrap();
    home
}

/// Puts a file in place in one step, as a careful deployment does.
fn put(home: &Home, file: &str, content: &[u8]) {
    home.write("beside", content);
    fs::rename(home.path("beside"), home.path(file)).unwrap();
}

/// How a matcher stands, as `eventlatch matcher list` shows it.
fn listed(service: &mut Service, name: &str) -> Value {
    let mut answer = ureq::get(format!("{}/v1/matchers", service.url())).call().unwrap();
    let list: Value = serde_json::from_str(&answer.body_mut().read_to_string().unwrap()).unwrap();
    list["matchers"].as_array().unwrap().iter().find(|it| it["name"] == name).cloned().unwrap_or_default()
}

/// A build of `etl-finish` that differs from others in a note that nobody reads: another sha256, the same rules.
fn etl_finish(note: u8) -> Vec<u8> {
    let mut build = BUILTINS[0].to_vec();
    build.extend([0, 6, 4, b'n', b'o', b't', b'e', note]);
    build
}

/// A sensor that waits for messages of the matcher `unruly`, each for the task of its name.
fn unruly_sensor(names: &[&str]) -> String {
    let wanted = |name: &&str| json!({"frequency": "D", "topic": "unruly", "name": name, "task_id": name});
    json!({"wanted": names.iter().map(wanted).collect::<Vec<_>>()}).to_string()
}

/// Such a message.
fn unruly_message(name: &str, number: usize, act: &str) -> String {
    json!({"name": name, "number": number, "act": act}).to_string()
}
