//! Asking an Airflow, as its user `admin`.

use std::time::Duration;

use serde_json::{Value, json};
use ureq::{
    Agent,
    http::{Request, header},
};

use super::{Airflow, SOON, Version};
use crate::waiting::wait_for;

/// What it answered.
#[derive(Debug, Clone)]
pub struct Answer {
    /// 0: nobody answered.
    pub status: u16,
    pub body: Value,
}

/// A task of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaskInstance {
    /// `none` where it has none yet.
    pub state: String,
    pub note: String,
    pub end_date: String,
}

impl Airflow {
    pub fn get(&self, path: &str) -> Answer {
        self.ask("GET", path, None)
    }

    /// A path below the API.
    pub fn ask(&self, method: &str, path: &str, body: Option<&Value>) -> Answer {
        let authorization = self.authorization();
        ask(method, &format!("{}{}{path}", self.url(), self.version.api()), body, authorization.as_deref())
    }

    fn authorization(&self) -> Option<String> {
        let password = self.password();
        match self.version {
            Version::Two => Some(format!("Basic {}", base64(format!("admin:{password}").as_bytes()))),
            Version::Three => {
                let login = json!({"username": "admin", "password": password});
                let answer = ask("POST", &format!("{}/auth/token", self.url()), Some(&login), None);
                Some(format!("Bearer {}", answer.body["access_token"].as_str()?))
            }
        }
    }

    /// Begins a run, and waits until its tasks are there.
    pub fn trigger(&self, dag: &str, run: &str) {
        let mut body = json!({"dag_run_id": run});
        if self.version == Version::Three {
            body["logical_date"] = Value::Null;
        }
        // With SQLite an Airflow that is busy answers that its database failed.
        wait_for("a run to begin", SOON, || {
            let answer = self.ask("POST", &format!("/dags/{dag}/dagRuns"), Some(&body));
            if [200, 409].contains(&answer.status) { Ok(()) } else { Err(format!("{answer:?}")) }
        });
        let tasks = format!("/dags/{dag}/dagRuns/{}/taskInstances", escaped(run));
        wait_for("the tasks of a run", SOON, || {
            let answer = self.get(&tasks);
            if answer.body["total_entries"].as_u64() > Some(0) { Ok(()) } else { Err(format!("{answer:?}")) }
        });
    }

    /// A task of a run; of a mapped one its number is a part of the name: `task/3`.
    pub fn task(&self, dag: &str, run: &str, task: &str) -> TaskInstance {
        let path = format!("/dags/{dag}/dagRuns/{}/taskInstances/{task}", escaped(run));
        let answer = wait_for("a task of a run", SOON, || {
            let answer = self.get(&path);
            if answer.status == 200 { Ok(answer) } else { Err(format!("{answer:?}")) }
        });
        let text = |key: &str| answer.body[key].as_str().unwrap_or_default().to_owned();
        let state = answer.body["state"].as_str().unwrap_or("none").to_owned();
        TaskInstance { state, note: text("note"), end_date: text("end_date") }
    }

    /// Waits until a task of a run is in a state.
    #[track_caller]
    pub fn wait_for_state(&self, dag: &str, run: &str, task: &str, state: &str) -> TaskInstance {
        wait_for(&format!("{dag}/{run}/{task} to be {state}"), SOON, || {
            let found = self.task(dag, run, task);
            if found.state == state { Ok(found) } else { Err(format!("{found:?}\n{}", self.log_end())) }
        })
    }
}

/// A name in a path: runs have `+` and `:` in theirs.
pub(super) fn escaped(name: &str) -> String {
    name.replace('%', "%25").replace('+', "%2B").replace(':', "%3A").replace('/', "%2F")
}

pub(super) fn ask(method: &str, url: &str, body: Option<&Value>, authorization: Option<&str>) -> Answer {
    let agent = Agent::config_builder().http_status_as_error(false).timeout_global(Some(Duration::from_secs(60)));
    let agent: Agent = agent.build().into();
    let request = Request::builder().method(method).uri(url);
    let request = authorization.into_iter().fold(request, |request, it| request.header(header::AUTHORIZATION, it));
    let answer = match body {
        Some(body) => {
            let request = request.header(header::CONTENT_TYPE, "application/json").body(body.to_string());
            agent.run(request.expect("the request makes sense"))
        }
        None => agent.run(request.body(()).expect("the request makes sense")),
    };
    match answer {
        Ok(mut answer) => {
            let text = answer.body_mut().read_to_string().unwrap_or_default();
            let body = serde_json::from_str(&text).unwrap_or(Value::String(text));
            Answer { status: answer.status().as_u16(), body }
        }
        Err(error) => Answer { status: 0, body: Value::String(error.to_string()) },
    }
}

fn base64(bytes: &[u8]) -> String {
    use ::base64::{Engine, prelude::BASE64_STANDARD};
    BASE64_STANDARD.encode(bytes)
}
