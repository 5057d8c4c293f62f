//! What a step expects, as it is written, and how that differs from what is there.
//!
//! Only what is given is compared. Knows no store: [`Actual`] is what somebody saw there.

use std::{collections::BTreeMap, fmt};

use jiff::civil::DateTime;
use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, Visitor},
};
use serde_json::Value;

/// What a step expects.
#[derive(Debug, Default)]
pub(super) struct Expected {
    pub(super) sensors: BTreeMap<String, ExpectedSensor>,
    /// All rejects and faults since the start.
    pub(super) dead_letters: Option<usize>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct ExpectedSensor {
    complete: Option<bool>,
    missing: Option<Vec<String>>,
    received: Option<Vec<String>>,
    expires: BTreeMap<String, Option<DateTime>>,
    near_misses: BTreeMap<String, i64>,
    pub(super) waits: BTreeMap<String, ExpectedWait>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct ExpectedWait {
    state: Option<WaitWord>,
    tasks: BTreeMap<String, TaskWord>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, serde::Serialize)]
#[serde(rename_all = "snake_case")]
enum WaitWord {
    Waiting,
    Complete,
    Failed,
    Skipped,
    Cancelled,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, serde::Serialize)]
#[serde(rename_all = "snake_case")]
enum TaskWord {
    Pending,
    Success,
    Failed,
    Skipped,
}

// By hand, since `flatten` would lose the line of an error.
impl<'de> Deserialize<'de> for Expected {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Names;

        impl<'de> Visitor<'de> for Names {
            type Value = Expected;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object of sensors")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Expected, A::Error> {
                let mut expected = Expected::default();
                while let Some(name) = map.next_key::<String>()? {
                    match name.as_str() {
                        "dead_letters" => expected.dead_letters = Some(map.next_value()?),
                        _ => drop(expected.sensors.insert(name, map.next_value()?)),
                    }
                }
                Ok(expected)
            }
        }

        deserializer.deserialize_map(Names)
    }
}

/// How a sensor stands.
#[derive(Debug, Default)]
pub(super) struct ActualSensor {
    pub(super) complete: bool,
    /// In the order of the definition.
    pub(super) tasks: Vec<ActualTask>,
    pub(super) waits: BTreeMap<String, ActualWait>,
    /// The messages that were set aside, and why: what is missing may be one of them.
    pub(super) set_aside: Vec<String>,
}

/// How a task stands, whichever wanted messages it rests on.
#[derive(Debug)]
pub(super) struct ActualTask {
    pub(super) task_id: String,
    pub(super) received: bool,
    pub(super) expires: Option<DateTime>,
    pub(super) near_misses: i64,
    /// Why the newest of them was refused.
    pub(super) refused: Option<String>,
}

/// How a wait stands, in the words of the store.
#[derive(Debug)]
pub(super) struct ActualWait {
    pub(super) state: String,
    pub(super) tasks: BTreeMap<String, String>,
}

/// An expectation that does not hold.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Difference {
    /// Counted from 1.
    pub step: usize,
    /// The instant of the step, as it is written.
    pub at: String,
    /// None: it is one of all sensors.
    pub sensor: Option<String>,
    /// `complete`, or a path such as `waits.run-1.tasks.tbla`.
    pub field: String,
    pub expected: Value,
    /// None: there is nothing of that name.
    pub actual: Option<Value>,
    /// What may explain it.
    pub notes: Vec<String>,
}

/// What the expectations of one step find.
pub(super) struct Findings<'a> {
    pub(super) step: usize,
    pub(super) at: &'a str,
    pub(super) differences: Vec<Difference>,
}

impl Findings<'_> {
    /// `actual`: each with its reason.
    pub(super) fn dead_letters(&mut self, expected: usize, actual: Vec<String>) {
        let number = Value::from(actual.len());
        self.compare(None, "dead_letters".to_owned(), Value::from(expected), Some(number), actual);
    }

    pub(super) fn sensor(&mut self, name: &str, expected: &ExpectedSensor, actual: &ActualSensor) {
        if let Some(complete) = expected.complete {
            self.of(name, "complete", complete, Some(actual.complete.into()), || actual.why_not());
        }
        for (field, expected, received) in
            [("missing", &expected.missing, false), ("received", &expected.received, true)]
        {
            if let Some(tasks) = expected {
                let there = actual.tasks.iter().filter(|task| task.received == received).map(|task| &*task.task_id);
                self.of(name, field, tasks.clone(), Some(there.collect()), || actual.why_not());
            }
        }
        for (task, expires) in &expected.expires {
            let there = actual.task(task).map(|task| text(task.expires));
            self.of(name, &format!("expires.{task}"), text(*expires), there, Vec::new);
        }
        for (task, count) in &expected.near_misses {
            let there = actual.task(task);
            let notes = || there.and_then(ActualTask::note).into_iter().collect();
            self.of(name, &format!("near_misses.{task}"), *count, there.map(|task| task.near_misses.into()), notes);
        }
        for (wait, expected) in &expected.waits {
            self.wait(name, wait, expected, actual.waits.get(wait));
        }
    }

    fn wait(&mut self, sensor: &str, name: &str, expected: &ExpectedWait, actual: Option<&ActualWait>) {
        if let Some(state) = expected.state {
            let there = actual.map(|wait| wait.state.as_str().into());
            self.of(sensor, &format!("waits.{name}.state"), word(state), there, Vec::new);
        }
        for (task, state) in &expected.tasks {
            let there = actual.and_then(|wait| wait.tasks.get(task)).map(|state| state.as_str().into());
            self.of(sensor, &format!("waits.{name}.tasks.{task}"), word(state), there, Vec::new);
        }
    }

    fn of(
        &mut self,
        sensor: &str,
        field: &str,
        expected: impl Into<Value>,
        actual: Option<Value>,
        notes: impl FnOnce() -> Vec<String>,
    ) {
        self.compare(Some(sensor), field.to_owned(), expected.into(), actual, notes());
    }

    fn compare(
        &mut self,
        sensor: Option<&str>,
        field: String,
        expected: Value,
        actual: Option<Value>,
        notes: Vec<String>,
    ) {
        if actual.as_ref() != Some(&expected) {
            let (step, at, sensor) = (self.step, self.at.to_owned(), sensor.map(str::to_owned));
            self.differences.push(Difference { step, at, sensor, field, expected, actual, notes });
        }
    }
}

impl ActualSensor {
    fn task(&self, task_id: &str) -> Option<&ActualTask> {
        self.tasks.iter().find(|task| task.task_id == task_id)
    }

    /// The near misses of what is missing, and what it may have been.
    fn why_not(&self) -> Vec<String> {
        let missing: Vec<_> = self.tasks.iter().filter(|task| !task.received).collect();
        let set_aside = self.set_aside.iter().filter(|_| !missing.is_empty()).map(|it| format!("set aside: {it}"));
        missing.iter().filter_map(|task| task.note()).chain(set_aside).collect()
    }
}

impl ActualTask {
    /// Several wanted messages may share a task, which is received when all are in.
    pub(super) fn join(&mut self, other: Self) {
        self.received &= other.received;
        self.expires = self.expires.into_iter().chain(other.expires).min();
        self.near_misses += other.near_misses;
        self.refused = self.refused.take().or(other.refused);
    }

    fn note(&self) -> Option<String> {
        Some(format!("near miss of {}: {}", self.task_id, self.refused.as_ref()?))
    }
}

fn text(time: Option<DateTime>) -> Value {
    time.map_or(Value::Null, |time| time.to_string().into())
}

fn word(word: impl serde::Serialize) -> Value {
    serde_json::to_value(word).unwrap_or_default()
}
