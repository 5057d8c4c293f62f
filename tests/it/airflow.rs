//! Tasks are marked in real Airflows, 2 and 3, by the real service. `make test-airflow` runs these: they need what it installs.

mod completing;
mod marking;
mod trouble;

use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use eventlatch_tests::{
    airflow::{Airflow, Version, shared},
    home::{Home, noon_zone},
    service::Service,
    waiting::wait_for,
};
use serde_json::{Value, json};

/// Runs stories on both.
macro_rules! on_both {
    ($($story:ident,)*) => {
        mod two {
            $(#[test]
            #[ignore = "needs real Airflows: make test-airflow"]
            fn $story() {
                super::$story(eventlatch_tests::airflow::Version::Two);
            })*
        }

        mod three {
            $(#[test]
            #[ignore = "needs real Airflows: make test-airflow"]
            fn $story() {
                super::$story(eventlatch_tests::airflow::Version::Three);
            })*
        }
    };
}
use on_both;

/// Three tasks behind a gate that never opens by itself, mapped tasks behind another, and DAGs that something else begins.
const DAGS: &str = include_str!("airflow/dags.py");

/// Whoever restarts an Airflow has it for himself.
fn users(version: Version) -> &'static RwLock<()> {
    static TWO: RwLock<()> = RwLock::new(());
    static THREE: RwLock<()> = RwLock::new(());
    match version {
        Version::Two => &TWO,
        Version::Three => &THREE,
    }
}

fn with_others(version: Version) -> (&'static Airflow, RwLockReadGuard<'static, ()>) {
    let using = users(version).read().unwrap_or_else(PoisonError::into_inner);
    (with_dags(version), using)
}

fn alone(version: Version) -> (&'static Airflow, RwLockWriteGuard<'static, ()>) {
    let using = users(version).write().unwrap_or_else(PoisonError::into_inner);
    (with_dags(version), using)
}

fn with_dags(version: Version) -> &'static Airflow {
    let airflow = shared(version);
    airflow.deploy("dags.py", DAGS, &["gated", "mapped", "listening", "report"]);
    airflow
}

/// A service that reads lines from the test and marks in an Airflow.
struct Marking {
    home: Home,
    service: Service,
}

fn home(airflow: &Airflow, password: &str) -> Home {
    let config = format!(
        r#"
        [marking]
        adapter = "airflow"
        backoff = {{ first_seconds = 0.2, limit_seconds = 1 }}
        [marking.airflow]
        url = "{}/"
        username = "admin"
        password = "env:AIRFLOW_PASSWORD"
        [sensors]
        deadline_grace_seconds = 1
        "#,
        airflow.url()
    );
    Home::new(&config).with("EVENTLATCH_SENSORS_TIMEZONE", noon_zone()).with("AIRFLOW_PASSWORD", password)
}

impl Marking {
    fn start(home: Home) -> Self {
        let service = Service::start_fed(home.command(&["run", "--input", "-"]), &home.path("service.log"));
        Self { home, service }
    }

    fn with(airflow: &Airflow) -> Self {
        Self::start(home(airflow, &airflow.password()))
    }

    /// Defines a sensor that waits for tables, each for the task of the same name.
    fn define(&mut self, name: &str, tables: &[&str], terms: Value) {
        let wanted = |table: &&str| {
            json!({"frequency": "D", "topic": "etl-finish", "db": "db0", "table": table, "partition_values": "",
                   "task_id": table})
        };
        let mut sensor = terms;
        sensor["name"] = json!(name);
        sensor["wanted"] = tables.iter().map(wanted).collect();
        self.home.write("sensor.json", sensor.to_string());
        self.command(&["sensor", "put", "sensor.json"]);
    }

    /// Opens a wait whose tasks are somewhere.
    fn open(&mut self, sensor: &str, wait: &str, target: &Value) {
        self.command(&["wait", "open", sensor, wait, "--target", &target.to_string()]);
    }

    fn command(&mut self, arguments: &[&str]) -> String {
        let url = self.service.url();
        let ran = self.home.run(&[arguments, &["--url", &url]].concat());
        assert_eq!(ran.code, Some(0), "{arguments:?}: {ran}");
        ran.stdout
    }

    /// Says that tables were written.
    fn send(&mut self, tables: &[&str]) {
        let now = jiff::Timestamp::now().as_second();
        for table in tables {
            let value = json!({"db": "db0", "table": table, "partition_values": "", "timestamp": now});
            self.service.feed(&format!("{}\n", json!({"topic": "etl-finish", "key": "k", "value": value})));
        }
    }

    fn wait_for_marks(&mut self, expected: &[&str]) {
        let marks = "SELECT task_id, state, status FROM marks ORDER BY id";
        self.home.wait_for_rows(&mut self.service, marks, expected);
    }

    /// Waits until the reason of the newest mark that has one says something.
    fn wait_for_reason(&mut self, status: &str, says: &str) -> String {
        let sql = format!(
            "SELECT last_error FROM marks WHERE status = '{status}' AND last_error <> '' ORDER BY id DESC LIMIT 1"
        );
        wait_for(&format!("a {status} mark that says `{says}`"), eventlatch_tests::home::DEADLINE * 2, || {
            let found = self.home.rows(&sql).pop().unwrap_or_default();
            if found.contains(says) { Ok(found) } else { Err(format!("{found}\n{}", self.service.log_end())) }
        })
    }
}
