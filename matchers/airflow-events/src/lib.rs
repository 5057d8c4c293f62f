//! The matcher of `airflow.events`: a run of an Airflow DAG, or a task of one, has another state.
//!
//! ```json
//! {"schema_version": 1, "source": "prod", "event": "task_instance.success", "timestamp": "2026-01-05T02:00:00.5+00:00",
//!  "dag_id": "load", "task_id": "orders", "run_id": "scheduled__2026-01-04T00:00:00+00:00", "try_number": 1,
//!  "map_index": -1, "previous_state": "running"}
//! ```
//!
//! That is what Airflow's provider for Apache Kafka publishes from 2.1 on, once `[kafka_event_producer]` enables it. A
//! wanted message names a `dag_id`; with `upstream_task_id` a task of it, without one the run as a whole.

use eventlatch_sdk::prelude::*;
use eventlatch_sdk::same_business_day;
use eventlatch_sdk::template::Templates;

/// The version of the messages that is known here.
const SCHEMA: u64 = 1;

/// What templates call the business date.
const BUSINESS_DATE: &str = "business_date";

/// `[matchers.airflow-events.config]`
#[derive(Deserialize, JsonSchema)]
#[serde(crate = "eventlatch_sdk::serde", deny_unknown_fields)]
pub struct Config {
    /// Seconds by which the business day begins before midnight (7200: at 22:00 of the day before).
    #[serde(default)]
    day_shift_seconds: i32,
}

/// What a sensor waits for.
#[derive(Deserialize, Serialize, JsonSchema)]
#[serde(crate = "eventlatch_sdk::serde", deny_unknown_fields)]
pub struct Wanted {
    /// The DAG that is waited for.
    dag_id: String,
    /// A task of it. Left out: its run as a whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    upstream_task_id: Option<String>,
    /// The state that is waited for.
    #[serde(default)]
    state: State,
    /// A certain run, which may be a template over `business_date`. Left out: any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    run_id: Option<String>,
    /// One instance of a mapped task. Left out: any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    map_index: Option<i64>,
    /// Which Airflow, as its configuration calls it. Left out: any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    source: Option<String>,
}

/// The states of which Airflow tells.
#[derive(Clone, Copy, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(crate = "eventlatch_sdk::serde", rename_all = "lowercase")]
pub enum State {
    /// It has begun.
    Running,
    /// It has ended well.
    #[default]
    Success,
    /// It has failed.
    Failed,
    /// It was skipped, which only tasks are.
    Skipped,
}

impl State {
    fn word(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Success => "success",
            Self::Failed => "failed",
            Self::Skipped => "skipped",
        }
    }
}

/// What Airflow publishes, as far as it matters.
#[derive(Deserialize, JsonSchema)]
#[serde(crate = "eventlatch_sdk::serde")]
pub struct Message {
    schema_version: u64,
    source: String,
    /// `dag_run.STATE` or `task_instance.STATE`.
    event: String,
    timestamp: EventTime,
    dag_id: String,
    run_id: String,
    #[serde(default)]
    task_id: Option<String>,
    #[serde(default)]
    map_index: Option<i64>,
}

/// Knows `airflow.events`.
pub struct AirflowEvents {
    day_shift_seconds: i32,
    templates: Templates,
}

impl Matcher for AirflowEvents {
    type Config = Config;
    type Wanted = Wanted;
    type Message = Message;

    const NAME: &'static str = "airflow-events";
    const SUMMARY: &'static str = "a run or a task of an Airflow DAG has another state";
    const TOPICS: &'static [&'static str] = &["airflow.events"];

    fn configure(Config { day_shift_seconds }: Config) -> Result<Self, Problems> {
        Ok(Self { day_shift_seconds, templates: Templates::new(0) })
    }

    fn settings(&self) -> Settings {
        Settings { day_shift_seconds: self.day_shift_seconds, ..Settings::default() }
    }

    fn prepare(&self, wanted: &mut Wanted, on: Date) -> Result<Keys, Problem> {
        if wanted.dag_id.is_empty() {
            return Err(Problem::of("dag_id", "must not be empty"));
        }
        let is_run = wanted.upstream_task_id.is_none();
        if is_run && wanted.state == State::Skipped {
            return Err(Problem::of("state", "a run is never skipped: name a task in `upstream_task_id`"));
        }
        if is_run && wanted.map_index.is_some() {
            return Err(Problem::of("map_index", "is of a mapped task: name it in `upstream_task_id`"));
        }
        if let Some(run_id) = &mut wanted.run_id {
            let rendered = self.templates.render(run_id, BUSINESS_DATE, on);
            *run_id = rendered.map_err(|error| Problem::of("run_id", error))?;
        }
        let about = about(wanted.state.word(), &wanted.dag_id, wanted.upstream_task_id.as_deref());
        Ok(of_run(about, wanted.run_id.as_deref()).into())
    }

    fn extract(&self, message: &Message, _: &Envelope<'_>) -> Result<Extract, Reject> {
        if message.schema_version != SCHEMA {
            let found = message.schema_version;
            return Err(Reject::new(format!("its schema_version is {found}; this matcher knows {SCHEMA}")));
        }
        let task = match message.event.split_once('.') {
            Some(("dag_run", _)) => None,
            Some(("task_instance", _)) => {
                Some(message.task_id.as_deref().ok_or_else(|| Reject::new("an event of a task without `task_id`"))?)
            }
            // Of something else: nobody can want it.
            _ => return Ok(Extract::nothing()),
        };
        let state = message.event.split_once('.').map_or("", |(_, state)| state);
        let about = about(state, &message.dag_id, task);
        let of_any = of_run(about.clone(), None);
        Ok(Extract::from(of_run(about, Some(&message.run_id))).or(of_any).at(message.timestamp))
    }

    fn confirm(&self, candidate: &Candidate<'_, Self>) -> Verdict {
        let (wanted, Some(message)) = (&candidate.wanted, &candidate.message) else {
            return Verdict::refused("it has no value");
        };
        if wanted.source.as_ref().is_some_and(|source| *source != message.source) {
            return Verdict::refused(format!("it is of the Airflow `{}`", message.source));
        }
        if wanted.map_index.is_some() && wanted.map_index != message.map_index {
            return Verdict::refused(format!("its map_index is {}", message.map_index.unwrap_or(-1)));
        }
        same_business_day(candidate.event_time.as_ref(), &candidate.arrival)
    }
}

fn about(state: &str, dag_id: &str, task_id: Option<&str>) -> Key {
    let key = key![state, dag_id];
    task_id.map_or_else(|| key.clone().any(), |task_id| key.clone().text(task_id))
}

/// A message carries the key of its run, and the one of any.
fn of_run(about: Key, run_id: Option<&str>) -> Key {
    match run_id {
        Some(run_id) => about.text(run_id),
        None => about.any(),
    }
}

export_matcher!(AirflowEvents);
