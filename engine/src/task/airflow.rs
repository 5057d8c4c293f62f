//! Marks tasks of Airflow by its REST API, 3.x and 2.x.
//!
//! A mark is idempotent by its state: what is asked for twice is so already. The wait's target says where its tasks are
//! (`place`); what differs between the versions is in `api`, what an answer means in `meaning`. Start at
//! `Airflow::mark`.

mod api;
mod completing;
mod config;
mod login;
mod meaning;
mod note;
mod place;

use std::sync::Arc;

use serde_json::{Value, json};
use ureq::http::{Method, StatusCode};

use self::{
    api::{Api, Door},
    place::{Place, Task},
};
use super::{Answer, MarkError, Marked, TaskAdapter};
use crate::{
    domain::{
        mark::{Mark, MarkKind},
        target::Target,
    },
    outside::Reply,
};

pub use config::{ApiChoice, Config, ConfigError};

/// After so many attempts, about half a minute, it is asked whether a task that is not there will ever be.
const DOUBTS: u32 = 5;

/// Marks in one Airflow.
pub struct AirflowAdapter {
    airflow: Arc<Airflow>,
}

struct Airflow {
    door: Door,
    /// The identity of the store that the marks come from.
    store: String,
}

impl AirflowAdapter {
    pub fn new(config: &Config, store: &str) -> Result<Self, ConfigError> {
        let airflow = Airflow { door: Door::new(config)?, store: store.to_owned() };
        Ok(Self { airflow: Arc::new(airflow) })
    }

    /// Requests block: they do so on a thread that may.
    fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Airflow) -> Result<T, MarkError> + Send + 'static,
    ) -> Answer<'static, T> {
        let airflow = Arc::clone(&self.airflow);
        Box::pin(async move {
            let done = tokio::task::spawn_blocking(move || work(&airflow)).await;
            done.unwrap_or_else(|_| Err(MarkError::retry("the attempt broke off")))
        })
    }
}

impl TaskAdapter for AirflowAdapter {
    fn mark<'a>(&'a self, mark: &'a Mark) -> Answer<'a, Marked> {
        let mark = mark.clone();
        self.blocking(move |airflow| airflow.mark(&mark))
    }

    fn probe(&self) -> Answer<'_, ()> {
        self.blocking(|airflow| airflow.door.probe())
    }

    fn accepts(&self, target: &Target) -> Result<(), String> {
        Place::of(target).map(drop).map_err(|error| error.to_string())
    }

    fn name(&self) -> &'static str {
        "airflow"
    }

    fn summary(&self) -> String {
        format!("airflow: {}", self.airflow.door.summary())
    }
}

impl Airflow {
    fn mark(&self, mark: &Mark) -> Result<Marked, MarkError> {
        if mark.target.is_empty() {
            // Whoever opened the wait only wants to hear of its end.
            return Ok(Marked::Now);
        }
        let place = Place::of(&mark.target).map_err(|error| MarkError::Reject(error.to_string()))?;
        match (mark.kind, &place.run, &place.on_complete) {
            (MarkKind::OnComplete, _, Some(act)) => self.complete(mark, act),
            (MarkKind::Task | MarkKind::Gate, Some(run), _) => self.set_state(mark, &run.task(&mark.task_id)),
            // All that is wanted is what happens when it is complete.
            _ => Ok(Marked::Now),
        }
    }

    fn set_state(&self, mark: &Mark, task: &Task<'_>) -> Result<Marked, MarkError> {
        match self.door.api()? {
            Api::V2 => {
                let body = json!({"new_state": mark.state.word(), "note": note::of(mark)});
                let reply = self.door.ask(Method::PATCH, &task.path(), Some(&body))?;
                if meaning::is_already(&reply) {
                    return Ok(Marked::Before);
                }
                self.task_done(mark, task, &reply)
            }
            Api::V1 => self.set_state_v1(mark, task),
        }
    }

    /// What 2.x answers with 200 it may not have done, and notes go by a request of their own.
    fn set_state_v1(&self, mark: &Mark, task: &Task<'_>) -> Result<Marked, MarkError> {
        let state = mark.state.word();
        // Left out, `dry_run` is true from 2.7 on.
        let body = json!({"dry_run": false, "new_state": state});
        self.task_done(mark, task, &self.door.ask(Method::PATCH, &task.path(), Some(&body))?)?;
        let reply = self.door.ask(Method::GET, &task.path(), None)?;
        self.done(mark, &reply)?;
        let seen = reply.json().and_then(|task| task.get("state")?.as_str().map(str::to_owned));
        if seen.as_deref() != Some(state) {
            let seen = seen.unwrap_or_else(|| "none".to_owned());
            return Err(MarkError::retry(format!("it was set to {state}, and is {seen} all the same")));
        }
        let body = json!({"note": note::of(mark)});
        let noted = self.door.ask(Method::PATCH, &task.note_path(), Some(&body))?;
        match self.done(mark, &noted) {
            // The task is marked: a note that is never taken is no reason to say otherwise.
            Err(MarkError::Reject(reason)) => {
                tracing::warn!(task_id = mark.task_id, reason, "A note could not be left at a task");
                Ok(Marked::Now)
            }
            done => done,
        }
    }

    /// What is not there may not be there yet; but a DAG that lacks the task says that it will not be.
    fn task_done(&self, mark: &Mark, task: &Task<'_>, reply: &Reply) -> Result<Marked, MarkError> {
        let is_there = |path: &str| Ok::<_, MarkError>(self.door.ask(Method::GET, path, None)?.status().is_success());
        let is_doubtful = reply.status() == StatusCode::NOT_FOUND && mark.attempts >= DOUBTS;
        if is_doubtful && is_there(&task.dag_path())? && !is_there(&task.definition_path())? {
            let hint = format!("hint: when that is mended, `eventlatch mark retry {}`", mark.id.0);
            return Err(MarkError::Reject(format!("its DAG has no task `{}` ({hint})", mark.task_id)));
        }
        self.done(mark, reply)
    }

    fn done(&self, mark: &Mark, reply: &Reply) -> Result<Marked, MarkError> {
        meaning::of(reply, mark, || self.door.may_look())
    }
}

/// A text of a JSON object.
fn text<'a>(object: &'a Value, key: &str) -> Option<&'a str> {
    object.get(key)?.as_str()
}
