//! The target of a wait as Airflow is concerned: whose run its tasks belong to, and what is to happen when it is complete.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Map, Value};

use crate::domain::target::Target;

/// What names in paths keep.
const KEPT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// Where the tasks are and what else is wanted: at least one of both.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Place {
    pub(super) run: Option<Run>,
    pub(super) on_complete: Option<OnComplete>,
}

/// The run that tasks belong to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Run {
    dag_id: String,
    run_id: String,
    /// Of mapped tasks. None: the task is not mapped; an Airflow 3 then marks all of a mapped one.
    map_index: Option<u64>,
}

/// What is done once, when a wait is complete.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum OnComplete {
    /// An event of an asset, which an Airflow 2 calls a dataset.
    Asset { uri: String, extra: Map<String, Value> },
    /// A new run. None: its id is made of the mark's.
    Trigger { dag_id: String, run_id: Option<String>, conf: Map<String, Value> },
}

/// Why a target says nothing to Airflow.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum NoPlace {
    #[error(
        "it names no `dag_id` and `run_id` in Airflow (hint: `target = {{ dag_id = \"…\", run_id = \"…\" }}` in the sensor, or \
         with the wait)"
    )]
    Nowhere,
    #[error("`{key}` must be text, and not empty: {value}")]
    Text { key: String, value: Value },
    #[error("`map_index` must be a number from 0 on, not {0}")]
    MapIndex(Value),
    #[error("`on_complete` must name an `asset` by its URI, or a `dag_id` of which a run is to be triggered")]
    Neither,
    #[error("`on_complete` has the unknown key `{0}`; known are {1}")]
    Unknown(String, &'static str),
    #[error("`{key}` in `on_complete` must be an object (a table), not {value}")]
    Object { key: &'static str, value: Value },
}

impl Place {
    pub(super) fn of(target: &Target) -> Result<Self, NoPlace> {
        let on_complete = target.on_complete().map(OnComplete::of).transpose()?;
        let run = Run::of(target.keys())?;
        if run.is_none() && (on_complete.is_none() || target.gate().is_some()) {
            return Err(NoPlace::Nowhere);
        }
        Ok(Self { run, on_complete })
    }
}

impl Run {
    fn of(keys: &Map<String, Value>) -> Result<Option<Self>, NoPlace> {
        let map_index = match keys.get("map_index") {
            None | Some(Value::Null) => None,
            Some(value) => Some(value.as_u64().ok_or_else(|| NoPlace::MapIndex(value.clone()))?),
        };
        match (text(keys, "dag_id")?, text(keys, "run_id")?) {
            (Some(dag_id), Some(run_id)) => Ok(Some(Self { dag_id, run_id, map_index })),
            (None, None) => Ok(None),
            _ => Err(NoPlace::Nowhere),
        }
    }

    pub(super) fn task<'a>(&'a self, task_id: &'a str) -> Task<'a> {
        Task { run: self, task_id }
    }
}

/// A task of a run.
pub(super) struct Task<'a> {
    run: &'a Run,
    task_id: &'a str,
}

impl Task<'_> {
    pub(super) fn path(&self) -> String {
        let Run { dag_id, run_id, map_index } = self.run;
        let path = format!("{}/{}/taskInstances/{}", runs(dag_id), part(run_id), part(self.task_id));
        map_index.map_or(path.clone(), |map_index| format!("{path}/{map_index}"))
    }

    pub(super) fn dag_path(&self) -> String {
        dag(&self.run.dag_id)
    }

    /// The task as its DAG defines it.
    pub(super) fn definition_path(&self) -> String {
        format!("{}/tasks/{}", self.dag_path(), part(self.task_id))
    }

    /// In an Airflow 2.
    pub(super) fn note_path(&self) -> String {
        format!("{}/setNote", self.path())
    }
}

fn dag(dag_id: &str) -> String {
    format!("/dags/{}", part(dag_id))
}

/// The runs of a DAG.
pub(super) fn runs(dag_id: &str) -> String {
    format!("{}/dagRuns", dag(dag_id))
}

/// A name in a path: runs have `+` and `:` in theirs.
pub(super) fn part(name: &str) -> String {
    utf8_percent_encode(name, KEPT).to_string()
}

impl OnComplete {
    fn of(keys: &Map<String, Value>) -> Result<Self, NoPlace> {
        let known = |known: &'static [&'static str], shown| {
            let unknown = keys.keys().find(|key| !known.contains(&key.as_str()));
            unknown.map_or(Ok(()), |key| Err(NoPlace::Unknown(key.clone(), shown)))
        };
        match (text(keys, "asset")?, text(keys, "dag_id")?) {
            (Some(uri), None) => {
                known(&["asset", "extra"], "`asset` and `extra`")?;
                Ok(Self::Asset { uri, extra: object(keys, "extra")? })
            }
            (None, Some(dag_id)) => {
                known(&["dag_id", "run_id", "conf"], "`dag_id`, `run_id` and `conf`")?;
                Ok(Self::Trigger { dag_id, run_id: text(keys, "run_id")?, conf: object(keys, "conf")? })
            }
            _ => Err(NoPlace::Neither),
        }
    }
}

fn text(keys: &Map<String, Value>, key: &str) -> Result<Option<String>, NoPlace> {
    match keys.get(key) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) if !text.is_empty() => Ok(Some(text.clone())),
        Some(value) => Err(NoPlace::Text { key: key.to_owned(), value: value.clone() }),
    }
}

fn object(keys: &Map<String, Value>, key: &'static str) -> Result<Map<String, Value>, NoPlace> {
    match keys.get(key) {
        None | Some(Value::Null) => Ok(Map::new()),
        Some(Value::Object(object)) => Ok(object.clone()),
        Some(value) => Err(NoPlace::Object { key, value: value.clone() }),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn place(value: Value) -> Result<Place, String> {
        Place::of(&Target::read(&value).unwrap()).map_err(|error| error.to_string())
    }

    #[test]
    fn tasks_have_a_path() {
        let run = |value| place(value).unwrap().run.unwrap();
        let plain = run(json!({"dag_id": "d", "run_id": "manual__2026-01-01T00:00:00+00:00"}));
        let path = "/dags/d/dagRuns/manual__2026-01-01T00%3A00%3A00%2B00%3A00/taskInstances/group.a";
        assert_eq!(plain.task("group.a").path(), path);
        let mapped = run(json!({"dag_id": "d/e", "run_id": "r", "map_index": 3}));
        assert_eq!(mapped.task("ä").note_path(), "/dags/d%2Fe/dagRuns/r/taskInstances/%C3%A4/3/setNote");
    }

    #[test]
    fn what_says_nothing_to_airflow_is_told_why() {
        let fails = |value: Value, says: &str| {
            let error = place(value).unwrap_err();
            assert!(error.contains(says), "{error}");
        };
        fails(json!({}), "it names no `dag_id` and `run_id`");
        fails(json!({"dag_id": "d"}), "it names no `dag_id` and `run_id`");
        fails(json!({"dag_id": "d", "run_id": 7}), "`run_id` must be text, and not empty: 7");
        fails(json!({"dag_id": "d", "run_id": "r", "map_index": -1}), "from 0 on, not -1");
        fails(json!({"on_complete": {}}), "must name an `asset` by its URI, or a `dag_id`");
        fails(json!({"on_complete": {"asset": "s", "conf": {}}}), "unknown key `conf`; known are `asset` and `extra`");
        fails(json!({"on_complete": {"dag_id": "d", "conf": 1}}), "`conf` in `on_complete` must be an object");
        fails(json!({"on_complete": {"asset": "s"}, "gate": "g"}), "it names no `dag_id` and `run_id`");
        assert_eq!(place(json!({"on_complete": {"asset": "s"}})).map(|place| place.run), Ok(None));
    }
}
