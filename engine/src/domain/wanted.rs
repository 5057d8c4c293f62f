//! Wanted messages: the seed's dictionaries, taken apart and given an identity.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::window::Frequency;

/// The store's number of a wanted message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct WantedId(pub i64);

/// The store's number of a rendering.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RenderingId(pub i64);

/// The keys of a wanted message that its matcher does not see.
const OURS: [&str; 7] = ["topic", "frequency", "task_id", "matcher", "optional", "count", "distinct"];

/// What is left of a wanted message for its matcher.
pub fn matchers_own(wanted: &Map<String, Value>) -> Map<String, Value> {
    let own = wanted.iter().filter(|(key, _)| !OURS.contains(&key.as_str()));
    own.map(|(key, value)| (key.clone(), value.clone())).collect()
}

/// One expectation of a sensor.
#[derive(Debug, Clone, PartialEq)]
pub struct WantedMessage {
    pub topic: Arc<str>,
    pub frequency: Frequency,
    /// The task that turns green with it.
    pub task_id: String,
    /// The name of the matcher that judges it: the one it names, or the one that serves its topic.
    pub matcher: Arc<str>,
    /// Seconds by which its business day begins before midnight, by its matcher's configuration.
    pub day_shift_seconds: i32,
    /// An optional one never delays its sensor.
    pub optional: bool,
    /// So many messages fulfil it together. At least one.
    pub count: u32,
    /// What is counted: messages, or where it names fields the different values of these top-level fields of the message.
    pub distinct: Vec<String>,
    /// The matcher's own fields, defaults filled in.
    pub fields: Map<String, Value>,
}

impl WantedMessage {
    /// What makes it the same wanted message in a new definition of its sensor: its canonical JSON with topic,
    /// frequency and `task_id`, after defaults. (A `serde_json` map is sorted by key.)
    pub fn identity(&self) -> String {
        let mut all = self.fields.clone();
        all.insert("topic".into(), Value::from(&*self.topic));
        all.insert("frequency".into(), Value::from(self.frequency.letter()));
        all.insert("task_id".into(), Value::from(self.task_id.as_str()));
        if !self.distinct.is_empty() {
            // Of messages that came before, these values were not kept.
            all.insert("distinct".into(), Value::from(self.distinct.clone()));
        }
        Value::Object(all).to_string()
    }

    /// What the matcher sees of it.
    pub fn fields_json(&self) -> String {
        Value::Object(self.fields.clone()).to_string()
    }
}
