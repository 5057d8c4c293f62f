//! Where the tasks of a wait are in an outside system, and what else is to happen there: a JSON object.
//!
//! Most of its keys are the business of the task adapter. Two are ours: `gate`, a task that stands for the whole wait, and
//! `on_complete`, what an adapter does once when the wait is complete. A sensor's target may hold templates over the name
//! and the business date of a wait; what a wait brings itself is laid over it, key by key, as it is.

use std::sync::LazyLock;

use eventlatch_sdk::template;
use jiff::civil::Date;
use minijinja::{Environment, context};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// The longest text of a target, in bytes: it goes along with every mark.
const LONGEST: usize = 16_384;

/// What the adapter does when a wait is complete goes out under this name, beside the tasks.
pub const ON_COMPLETE: &str = "on_complete";

const GATE: &str = "gate";

/// What templates see.
const KNOWN: &str = "`wait`, `business_date`";

/// An object as it was given, checked as far as its keys are ours.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Target(Map<String, Value>);

/// Why something is no target.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WrongTarget {
    #[error("`target` must be an object (a table) such as {{\"dag_id\": \"…\", \"run_id\": \"…\"}}, not {0}")]
    NoObject(Value),
    #[error("`gate` in `target` must be the name of a task, not {0}")]
    Gate(Value),
    #[error("`on_complete` in `target` must be an object (a table), not {0}")]
    OnComplete(Value),
    #[error("`target` has {0} bytes as JSON: {LONGEST} is the most")]
    TooLong(usize),
    #[error("`{0}` is a task of the sensor, and cannot stand for all of them (hint: another name in `target`)")]
    Task(String),
    #[error("`{text}` in `target`: {reason}")]
    Template { text: String, reason: String },
    #[error("`target`: {0}")]
    Adapter(String),
}

impl Target {
    pub fn read(value: &Value) -> Result<Self, WrongTarget> {
        let Value::Object(keys) = value else { return Err(WrongTarget::NoObject(value.clone())) };
        match keys.get(GATE) {
            None | Some(Value::Null) => {}
            Some(Value::String(gate)) if !gate.is_empty() => {}
            Some(other) => return Err(WrongTarget::Gate(other.clone())),
        }
        match keys.get(ON_COMPLETE) {
            None | Some(Value::Null | Value::Object(_)) => {}
            Some(other) => return Err(WrongTarget::OnComplete(other.clone())),
        }
        let length = value.to_string().len();
        if length > LONGEST { Err(WrongTarget::TooLong(length)) } else { Ok(Self(keys.clone())) }
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn keys(&self) -> &Map<String, Value> {
        &self.0
    }

    /// A key whose value is text.
    pub fn text(&self, key: &str) -> Option<&str> {
        self.0.get(key)?.as_str()
    }

    /// The task that stands for the whole wait: marked with its outcome, after all others.
    pub fn gate(&self) -> Option<&str> {
        self.text(GATE)
    }

    /// What the adapter does once when the wait is complete.
    pub fn on_complete(&self) -> Option<&Map<String, Value>> {
        self.0.get(ON_COMPLETE)?.as_object()
    }

    /// A name that one of the tasks must not have: it goes out beside them.
    pub fn check_tasks<'a>(&self, tasks: impl IntoIterator<Item = &'a str>) -> Result<(), WrongTarget> {
        let ours = |task: &&str| self.gate() == Some(task) || self.on_complete().is_some() && *task == ON_COMPLETE;
        let taken = tasks.into_iter().find(ours).or(self.gate().filter(|gate| *gate == ON_COMPLETE));
        taken.map_or(Ok(()), |task| Err(WrongTarget::Task(task.to_owned())))
    }

    /// This with another one laid over it, key by key; a key that is null there is not there.
    pub fn with(mut self, over: &Self) -> Self {
        self.0.extend(over.0.clone());
        self.0.retain(|_, value| !value.is_null());
        self
    }

    /// The target of a wait, with the templates in its texts filled in.
    pub fn rendered(&self, wait: &str, business_date: Date) -> Result<Self, WrongTarget> {
        let keys = self.0.iter().map(|(key, value)| Ok((key.clone(), rendered(value, wait, business_date)?)));
        Ok(Self(keys.collect::<Result<_, _>>()?))
    }
}

fn rendered(value: &Value, wait: &str, business_date: Date) -> Result<Value, WrongTarget> {
    static ENVIRONMENT: LazyLock<Environment<'static>> = LazyLock::new(template::environment);
    let again = |value| rendered(value, wait, business_date);
    Ok(match value {
        Value::String(text) if template::is_template(text) => {
            let names = context! { wait, business_date => business_date.to_string() };
            let filled = ENVIRONMENT.render_str(text, names);
            let wrong = |error| WrongTarget::Template { text: text.clone(), reason: template::explain(&error, KNOWN) };
            Value::String(filled.map_err(wrong)?)
        }
        Value::Array(all) => Value::Array(all.iter().map(again).collect::<Result<_, _>>()?),
        Value::Object(keys) => {
            let keys = keys.iter().map(|(key, value)| Ok((key.clone(), again(value)?)));
            Value::Object(keys.collect::<Result<_, WrongTarget>>()?)
        }
        other => other.clone(),
    })
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;
    use serde_json::json;

    use super::*;

    fn read(value: &Value) -> Result<Target, String> {
        Target::read(value).map_err(|error| error.to_string())
    }

    #[test]
    fn keys_of_ours_make_sense() {
        assert_eq!(read(&json!({"gate": "all", "on_complete": {}, "x": [1]})).unwrap().gate(), Some("all"));
        let wrong = |value: Value, says: &str| {
            let error = read(&value).unwrap_err();
            assert!(error.starts_with(says), "{error}");
        };
        wrong(json!("dag"), "`target` must be an object (a table) such as {\"dag_id\": \"…\"");
        wrong(json!({"gate": ""}), "`gate` in `target` must be the name of a task, not \"\"");
        wrong(json!({"on_complete": "asset"}), "`on_complete` in `target` must be an object");
        wrong(json!({"x": "a".repeat(20_000)}), "`target` has 20008 bytes as JSON: 16384 is the most");
    }

    #[test]
    fn what_stands_for_all_tasks_is_none_of_them() {
        let check = |target: Value, tasks: &[&str]| {
            read(&target).unwrap().check_tasks(tasks.iter().copied()).map_err(|error| error.to_string())
        };
        assert_eq!(check(json!({"gate": "all"}), &["a", "on_complete"]), Ok(()));
        assert!(check(json!({"gate": "a"}), &["a"]).unwrap_err().starts_with("`a` is a task of the sensor"));
        assert!(check(json!({"on_complete": {}}), &["on_complete"]).is_err());
        assert!(check(json!({"gate": "on_complete"}), &[]).is_err());
    }

    #[test]
    fn a_wait_lays_its_own_over_that_of_its_sensor() {
        let sensor = read(&json!({"dag_id": "d", "run_id": "r", "conf": {"a": 1}})).unwrap();
        let wait = read(&json!({"run_id": "{{ x }}", "conf": {"b": 2}, "dag_id": null})).unwrap();
        assert_eq!(sensor.with(&wait), read(&json!({"run_id": "{{ x }}", "conf": {"b": 2}})).unwrap());
    }

    #[test]
    fn templates_see_the_wait() {
        let target = read(&json!({
            "run_id": "scheduled__{{ business_date|dt.add_day(n=-1) }}T00:00:00+00:00",
            "on_complete": {"conf": {"wait": "{{ wait }}", "n": 1}},
        }));
        let rendered = target.unwrap().rendered("w", date(2026, 3, 1)).unwrap();
        assert_eq!(rendered.text("run_id"), Some("scheduled__2026-02-28T00:00:00+00:00"));
        assert_eq!(rendered.on_complete(), json!({"conf": {"wait": "w", "n": 1}}).as_object());
        let wrong = read(&json!({"run_id": "{{ day }}"})).unwrap().rendered("w", date(2026, 3, 1)).unwrap_err();
        let says = "`{{ day }}` in `target`: unknown name in template; known: `wait`, `business_date`";
        assert!(wrong.to_string().starts_with(says), "{wrong}");
    }
}
