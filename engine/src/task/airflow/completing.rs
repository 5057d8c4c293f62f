//! What is done once when a wait is complete: an event of an asset, or a new run.

use serde_json::{Map, Value, json};
use ureq::http::{Method, StatusCode};

use super::{
    Airflow,
    api::Api,
    meaning,
    place::{self, OnComplete},
};
use crate::{
    domain::mark::Mark,
    outside::Reply,
    task::{MarkError, Marked},
};

/// An event of ours is looked for among so many of the newest.
const LOOKED_THROUGH: usize = 100;

/// Under this key an event says whose it is.
const OURS: &str = "eventlatch";

impl Airflow {
    pub(super) fn complete(&self, mark: &Mark, act: &OnComplete) -> Result<Marked, MarkError> {
        match act {
            OnComplete::Asset { uri, extra } => self.emit(mark, uri, extra),
            OnComplete::Trigger { dag_id, run_id, conf } => self.trigger(mark, dag_id, run_id.as_deref(), conf),
        }
    }

    /// A run has an id of its own: there is none twice.
    fn trigger(
        &self,
        mark: &Mark,
        dag_id: &str,
        run_id: Option<&str>,
        conf: &Map<String, Value>,
    ) -> Result<Marked, MarkError> {
        let id = mark.idempotency_key(&self.store);
        let run_id = run_id.map_or_else(|| format!("{OURS}__{id}"), str::to_owned);
        let note = format!("triggered by eventlatch: sensor {}, wait {}", mark.sensor, mark.wait);
        let mut body = json!({"dag_run_id": run_id, "conf": conf, "note": note});
        if self.door.api()? == Api::V2 {
            // It has to be there; a run that is triggered is of no date.
            body["logical_date"] = Value::Null;
        }
        let reply = self.door.ask(Method::POST, &place::runs(dag_id), Some(&body))?;
        if reply.status() == StatusCode::CONFLICT && self.has_run(dag_id, &run_id)? {
            return Ok(Marked::Before);
        }
        self.done(mark, &reply)
    }

    fn has_run(&self, dag_id: &str, run_id: &str) -> Result<bool, MarkError> {
        let path = format!("{}/{}", place::runs(dag_id), place::part(run_id));
        Ok(self.door.ask(Method::GET, &path, None)?.status().is_success())
    }

    /// Airflow takes an event as often as it is sent: before one is sent again it is looked for.
    fn emit(&self, mark: &Mark, uri: &str, extra: &Map<String, Value>) -> Result<Marked, MarkError> {
        let words = Words::of(self.door.api()?);
        let reply = self.door.ask(Method::GET, &words.find(uri), None)?;
        self.done(mark, &reply)?;
        let Some(asset) = entries(&reply, words.assets).find(|it| it["uri"] == uri).and_then(|it| it["id"].as_i64())
        else {
            return Err(meaning::not_there(mark, &format!("Airflow knows no asset `{uri}`"), jiff::Timestamp::now()));
        };
        let id = mark.idempotency_key(&self.store);
        if mark.attempts > 0 {
            let reply = self.door.ask(Method::GET, &words.events_of(asset), None)?;
            self.done(mark, &reply)?;
            if entries(&reply, words.events).any(|event| event["extra"][OURS]["mark_id"] == id.as_str()) {
                return Ok(Marked::Before);
            }
        }
        let (sensor, wait, business_date) = (&mark.sensor, &mark.wait, mark.business_date);
        let ours = json!({"mark_id": id, "sensor": sensor, "wait": wait, "business_date": business_date});
        let mut extra = extra.clone();
        extra.insert(OURS.to_owned(), ours);
        let body = match words.api {
            Api::V2 => json!({"asset_id": asset, "extra": extra}),
            Api::V1 => json!({"dataset_uri": uri, "extra": extra}),
        };
        self.done(mark, &self.door.ask(Method::POST, words.post, Some(&body))?)
    }
}

/// What the versions call assets and their events.
struct Words {
    api: Api,
    assets: &'static str,
    events: &'static str,
    id: &'static str,
    post: &'static str,
}

impl Words {
    fn of(api: Api) -> Self {
        match api {
            Api::V2 => Self { api, assets: "assets", events: "asset_events", id: "asset_id", post: "/assets/events" },
            Api::V1 => {
                Self { api, assets: "datasets", events: "dataset_events", id: "dataset_id", post: "/datasets/events" }
            }
        }
    }

    fn find(&self, uri: &str) -> String {
        format!("/{}?limit={LOOKED_THROUGH}&uri_pattern={}", self.assets, place::part(uri))
    }

    fn events_of(&self, asset: i64) -> String {
        format!("{}?limit={LOOKED_THROUGH}&order_by=-timestamp&{}={asset}", self.post, self.id)
    }
}

fn entries(reply: &Reply, key: &str) -> std::vec::IntoIter<Value> {
    let answer = reply.json().unwrap_or_default();
    answer[key].as_array().cloned().unwrap_or_default().into_iter()
}
