//! What is told of the service to whoever watches over it, while its parts fail and come back.

use eventlatch_tests::{
    broker::Broker,
    home::{DEADLINE, Home, noon_zone, open},
    service::Service,
    waiting::wait_for,
};
use serde_json::Value;

use super::{TASKS, lines, sensor};

/// Somebody who asks a service how it is.
struct Watcher {
    url: String,
    agent: ureq::Agent,
}

impl Watcher {
    fn of(service: &mut Service) -> Self {
        let agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
        Self { url: service.url(), agent }
    }

    /// The status, and the part that fails with its first problem.
    fn ready(&self) -> (u16, String) {
        let mut answer = self.agent.get(format!("{}/readyz", self.url)).call().unwrap();
        let body: Value = answer.body_mut().read_json().unwrap();
        let failing = body["parts"].as_array().unwrap().iter().find(|part| part["state"] == "failing");
        let problem = failing.map(|part| format!("{}: {}", part["name"], part["problems"][0]));
        (answer.status().as_u16(), problem.unwrap_or_default())
    }

    /// Waits until it is ready.
    #[track_caller]
    fn wait_until_ready(&self) {
        wait_for("the service to be ready", DEADLINE, || match self.ready() {
            (200, _) => Ok(()),
            (status, problem) => Err(format!("{status} {problem}")),
        });
        self.lives();
    }

    /// Waits until a part fails with a problem that says this.
    #[track_caller]
    fn wait_until_failing(&self, part: &str, expected: &str) {
        wait_for(&format!("{part} to fail"), DEADLINE, || match self.ready() {
            (503, problem) if problem.contains(part) && problem.contains(expected) => Ok(()),
            (status, problem) => Err(format!("{status} {problem}")),
        });
        self.lives();
    }

    fn lives(&self) {
        assert_eq!(self.agent.get(format!("{}/livez", self.url)).call().unwrap().status(), 200);
    }
}

fn home() -> Home {
    let home = Home::new("").with("EVENTLATCH_SENSORS_TIMEZONE", noon_zone());
    home.write("sensors/tables.json", sensor(&["a", "b"]));
    home
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_that_is_away_is_told_and_so_is_its_return_though_nothing_comes() {
    let mut broker = Broker::start();
    broker.stop();
    let home = home().with("EVENTLATCH_KAFKA_BROKERS", broker.address());
    let mut service = home.serve();
    let watcher = Watcher::of(&mut service);
    watcher.wait_until_failing("source", "no Kafka broker answers");

    broker.restart();
    watcher.wait_until_failing("source", "no partition is assigned");
    broker.make(&["etl-finish"], 2).await;
    watcher.wait_until_ready();

    broker.stop();
    watcher.wait_until_failing("source", &broker.address());
    broker.restart();
    watcher.wait_until_ready();

    // It stands still with all its connections.
    broker.signal("STOP");
    watcher.wait_until_failing("source", &broker.address());
    broker.signal("CONT");
    watcher.wait_until_ready();
    assert_eq!(service.terminate().code(), Some(0), "{}", service.log_end());
}

#[test]
fn a_store_that_takes_nothing_is_told_and_so_is_its_recovery() {
    let home = home();
    let mut service = Service::start_fed(home.command(&["run", "--input", "-"]), &home.path("service.log"));
    let watcher = Watcher::of(&mut service);
    watcher.wait_until_ready();
    let lock = open(&home.path("eventlatch.db"));
    lock.execute_batch("BEGIN IMMEDIATE").unwrap();
    service.feed(&lines(&["a"]));
    watcher.wait_until_failing("store", "locked");

    lock.execute_batch("COMMIT").unwrap();
    watcher.wait_until_ready();
    home.wait_for_rows(&mut service, TASKS, &["a|success", "b|pending"]);
}
