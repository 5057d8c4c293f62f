//! Sensor files that change while messages flow, saved as editors save them.

use std::{
    fs,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use eventlatch::source::Producer;
use eventlatch_tests::{
    cluster::{Cluster, message},
    home::{DEADLINE, Home, noon_zone},
    service::Service,
    waiting::wait_for,
};
use serde_json::{Value, json};

use super::{TASKS, sensor, table_written};

const FILE: &str = "sensors/tables.json";
const SENSORS: &str = "SELECT name, owner, state FROM sensors WHERE name <> 'flow' ORDER BY name";

/// A broker, and a service with a sensor on which messages arrive all the time.
struct Flowing {
    cluster: Cluster,
    home: Home,
    service: Service,
}

impl Flowing {
    async fn start() -> Self {
        let cluster = Cluster::start(&["etl-finish", "job-finish"], 2).await;
        let home = Home::new("")
            .with("EVENTLATCH_KAFKA_BROKERS", cluster.brokers())
            .with("EVENTLATCH_SENSORS_TIMEZONE", noon_zone());
        home.write(FILE, sensor(&["a"]));
        home.write(
            "sensors/flow.json",
            r#"{"wanted": [{"frequency": "D", "topic": "job-finish", "job_name": "flow", "task_id": "flow"}]}"#,
        );
        let mut service = home.serve();
        home.wait_for_rows(&mut service, TASKS, &["a|pending", "flow|pending"]);
        Self { cluster, home, service }
    }

    /// Sends messages one after the other while a test does its work, and asserts that each of them is recorded once.
    async fn play(mut self, test: impl FnOnce(&mut Self)) {
        let done = Arc::new(AtomicBool::new(false));
        let flowing = tokio::spawn(flow(self.cluster.producer.clone(), Arc::clone(&done)));
        tokio::task::block_in_place(|| test(&mut self));
        done.store(true, Ordering::Relaxed);
        let sent = flowing.await.unwrap();
        let counted = "SELECT count(*), count(DISTINCT \"partition\" || '@' || \"offset\") FROM matches
                        WHERE topic = 'job-finish'";
        self.home.wait_for_rows(&mut self.service, counted, &[&format!("{sent}|{sent}")]);
        assert_eq!(self.service.terminate().code(), Some(0), "{}", self.service.log_end());
    }

    /// What is awaited, and what has come, without what flows.
    fn wait_for_tasks(&mut self, expected: &[&str]) {
        let tasks = "SELECT task_id, state FROM tasks WHERE sensor <> 'flow' ORDER BY task_id";
        self.home.wait_for_rows(&mut self.service, tasks, expected);
    }

    fn wait_for(&mut self, sql: &str, expected: &[&str]) {
        self.home.wait_for_rows(&mut self.service, sql, expected);
    }

    fn send(&self, table: &str) {
        let message = message("etl-finish", table_written(table).to_string());
        tokio::runtime::Handle::current().block_on(self.cluster.send(&message));
    }

    fn wait_for_log(&self, text: &str) {
        wait_for(text, DEADLINE, || {
            self.service.log().contains(text).then_some(()).ok_or_else(|| self.service.log_end())
        });
    }

    fn rename(&self, from: &str, to: &str) {
        fs::rename(self.home.path(from), self.home.path(to)).unwrap();
    }

    fn remove(&self, file: &str) {
        fs::remove_file(self.home.path(file)).unwrap();
    }
}

/// Sends until it is done; the answer is how many.
async fn flow(producer: Producer, done: Arc<AtomicBool>) -> usize {
    let mut tick = tokio::time::interval(Duration::from_millis(2));
    let mut sent = 0;
    while !done.load(Ordering::Relaxed) {
        let now = jiff::Timestamp::now().as_second();
        let value = json!({"job_name": "flow", "is_success": true, "timestamp": now}).to_string();
        producer.send(&message("job-finish", value)).await.unwrap();
        sent += 1;
        tick.tick().await;
    }
    sent
}

fn named(name: &str, tables: &[&str]) -> String {
    let mut sensor: Value = serde_json::from_str(&sensor(tables)).unwrap();
    sensor["name"] = name.into();
    sensor.to_string()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_file_may_be_saved_in_any_way() {
    Flowing::start()
        .await
        .play(|it| {
            it.send("a");
            it.wait_for_tasks(&["a|success"]);

            it.home.write(FILE, sensor(&["a", "b"]));
            it.wait_for_tasks(&["a|success", "b|pending"]);
            it.send("b");
            it.wait_for_tasks(&["a|success", "b|success"]);

            it.home.write("sensors/.tables.json.tmp", sensor(&["b", "c"]));
            it.rename("sensors/.tables.json.tmp", FILE);
            it.wait_for_tasks(&["a|success", "b|success", "c|pending"]);
            it.wait_for("SELECT task_id FROM wanted WHERE state = 'retired'", &["a"]);

            it.rename(FILE, "sensors/tables.json~");
            it.home.write(FILE, sensor(&["a", "c", "d"]));
            it.wait_for_tasks(&["a|success", "b|success", "c|pending", "d|pending"]);
            it.send("c");
            it.send("d");
            it.wait_for_tasks(&["a|success", "b|success", "c|success", "d|success"]);
            // What came back is what it was.
            it.wait_for("SELECT count(*) FROM wanted WHERE task_id = 'a' AND state = 'active'", &["1"]);
            it.wait_for("SELECT count(*) FROM wanted WHERE task_id = 'a'", &["1"]);
            it.wait_for(
                "SELECT waits.state FROM waits JOIN sensors ON sensors.id = sensor_id WHERE sensors.name = 'tables'",
                &["complete"],
            );
        })
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_file_may_go_come_back_move_and_break() {
    Flowing::start()
        .await
        .play(|it| {
            // Gone for a moment: another change is seen meanwhile.
            it.remove(FILE);
            it.home.write("sensors/other.json", sensor(&["o"]));
            it.wait_for_tasks(&["a|pending", "o|pending"]);
            it.home.write(FILE, sensor(&["a"]));
            it.home.write("sensors/third.json", sensor(&["t"]));
            it.wait_for_tasks(&["a|pending", "o|pending", "t|pending"]);
            it.wait_for("SELECT revision FROM sensors WHERE name = 'tables'", &["1"]);

            // Gone for good, and back.
            it.remove("sensors/third.json");
            it.wait_for("SELECT name FROM sensors WHERE state = 'retired'", &["third"]);
            it.send("t");
            it.send("a");
            it.wait_for_tasks(&["a|success", "o|pending", "t|skipped"]);
            it.home.write("sensors/third.json", sensor(&["t", "u"]));
            it.wait_for_tasks(&["a|success", "o|pending", "t|pending", "u|pending"]);
            it.send("t");
            it.wait_for_tasks(&["a|success", "o|pending", "t|success", "u|pending"]);

            // Renamed: the sensor stays itself, also when the old name's time is over.
            it.home.write("sensors/named.json", named("s", &["n"]));
            it.wait_for("SELECT owner FROM sensors WHERE name = 's'", &["file:named.json"]);
            it.rename("sensors/named.json", "sensors/renamed.json");
            it.remove("sensors/other.json");
            it.wait_for("SELECT name FROM sensors WHERE state = 'retired'", &["other"]);
            it.wait_for(
                SENSORS,
                &[
                    "other|file:other.json|retired",
                    "s|file:renamed.json|active",
                    "tables|file:tables.json|active",
                    "third|file:third.json|active",
                ],
            );
            it.wait_for("SELECT count(*) FROM wanted WHERE task_id = 'n'", &["1"]);

            // Broken: it changes nothing and holds up no other.
            it.home.write(FILE, "{\"wanted\": [\n{\"frequency\": \"D\", \"topic\": \"etl-finish\", \"db\": 1}]}");
            it.wait_for_log("tables.json:2: `task_id` is missing");
            it.home.write("sensors/third.json", sensor(&["v"]));
            it.wait_for("SELECT task_id FROM tasks WHERE task_id = 'v'", &["v"]);
            it.wait_for("SELECT revision, state FROM sensors WHERE name = 'tables'", &["1|active"]);
            it.home.write(FILE, sensor(&["a", "w"]));
            it.wait_for("SELECT state FROM tasks WHERE task_id = 'w'", &["pending"]);
            it.send("w");
            it.wait_for("SELECT state FROM tasks WHERE task_id = 'w'", &["success"]);
        })
        .await;
}
