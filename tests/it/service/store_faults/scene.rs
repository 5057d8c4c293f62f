//! A service whose every message is a match, and whoever asks it whether it is ready.

use std::{fs, path::PathBuf, time::Duration};

use eventlatch_tests::{
    cluster::{Cluster, message},
    home::{DEADLINE, Home, noon_zone},
    service::Service,
    waiting::wait_for,
};
use serde_json::Value;

use super::super::{sensor, table_written};

const MATCHES: &str = r#"SELECT count(*) || ' ' || count(DISTINCT "offset") FROM matches"#;
const STORE: &str = "store/eventlatch.db";

pub(super) struct Scene {
    pub(super) home: Home,
    pub(super) service: Service,
    cluster: Cluster,
    url: String,
    sent: usize,
}

impl Scene {
    /// `prepare` changes the home before the service starts in it.
    pub(super) async fn start(prepare: impl FnOnce(Home) -> Home) -> Self {
        let cluster = Cluster::start(&["etl-finish"], 1).await;
        let home = prepare(Home::new("[kafka]\nmax_messages = 10\n[store]\npath = \"store/eventlatch.db\"\n"))
            .with("EVENTLATCH_KAFKA_BROKERS", cluster.brokers())
            .with("EVENTLATCH_SENSORS_TIMEZONE", noon_zone());
        home.write("sensors/tables.json", sensor(&["a"]));
        fs::create_dir(home.path("store")).unwrap();
        let mut service = home.serve();
        let url = service.url();
        Self { home, service, cluster, url, sent: 0 }
    }

    pub(super) fn store(&self) -> PathBuf {
        self.home.path(STORE)
    }

    pub(super) fn rename(&self, from: &str, to: &str) {
        fs::rename(self.home.path(from), self.home.path(to)).unwrap();
    }

    pub(super) async fn send(&mut self, messages: usize) {
        let value = table_written("a").to_string();
        let all = (0..messages).map(|_| message("etl-finish", value.clone()));
        self.cluster.producer.send_all(all).await.unwrap();
        self.sent += messages;
    }

    pub(super) async fn send_and_wait(&mut self, messages: usize) {
        self.send(messages).await;
        self.wait_for_all(DEADLINE);
    }

    /// Waits until every message is recorded, once.
    pub(super) fn wait_for_all(&mut self, deadline: Duration) {
        let all = format!("{0} {0}", self.sent);
        wait_for("all to be recorded", deadline, || {
            assert!(self.service.ended().is_none(), "the service has ended:\n{}", self.service.log_end());
            match self.home.rows_of(STORE, MATCHES) {
                Ok(rows) if rows == [all.clone()] => Ok(()),
                other => Err(format!("{other:?}, not {all}\n{}", self.service.log_end())),
            }
        });
    }

    /// Sends messages that cannot be recorded now, and waits until the service says why.
    pub(super) async fn waits(&mut self, messages: usize, why: &str) {
        self.send(messages).await;
        self.is_not_ready(why);
    }

    /// Waits until the service says that it is not ready and why, and its log as well.
    pub(super) fn is_not_ready(&mut self, why: &str) {
        wait_for(why, DEADLINE, || {
            assert!(self.service.ended().is_none(), "the service has ended:\n{}", self.service.log_end());
            let (status, body) = self.ready();
            let store = body["parts"].as_array().unwrap().iter().find(|part| part["name"] == "store").unwrap();
            let said = store["problems"][0].as_str().is_some_and(|problem| problem.contains(why));
            let told = said && self.service.log().contains(why);
            if status == 503 && told { Ok(()) } else { Err(format!("{status} {body}\n{}", self.service.log_end())) }
        });
    }

    /// Waits until all is recorded and the service is ready.
    pub(super) fn goes_on(&mut self) {
        self.wait_for_all(DEADLINE);
        wait_for("the service to be ready", DEADLINE, || {
            let (status, body) = self.ready();
            if status == 200 { Ok(()) } else { Err(body.to_string()) }
        });
    }

    /// Waits until the service has ended by itself.
    pub(super) fn ends(&mut self) -> Option<i32> {
        let log = self.service.log_end();
        wait_for("the service to end", DEADLINE, || self.service.ended().ok_or(log.clone())).code()
    }

    fn ready(&self) -> (u16, Value) {
        let agent: ureq::Agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
        let mut answer = agent.get(format!("{}/readyz", self.url)).call().unwrap();
        (answer.status().as_u16(), answer.body_mut().read_json().unwrap())
    }
}
