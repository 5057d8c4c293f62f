//! A wait as it is shown to people and programs.

use jiff::{Timestamp, civil::Date};
use serde::{Deserialize, Serialize};

use super::{WaitId, WaitState};

/// Everything about a wait.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WaitDetail {
    pub id: WaitId,
    pub sensor: String,
    pub name: String,
    /// Says which windows count.
    pub business_date: Date,
    pub state: WaitState,
    pub opened_at: Timestamp,
    /// When it gives up, as it is now. None: not before something else happens.
    pub deadline: Option<Timestamp>,
    pub ended_at: Option<Timestamp>,
    /// `fail` or `skip`.
    pub on_timeout: String,
    /// `ignore` or `heal`.
    pub late: String,
    /// In the order of the sensor's definition.
    pub tasks: Vec<TaskDetail>,
}

/// How a task of a wait stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskDetail {
    pub task_id: String,
    /// `pending`, `success`, `failed` or `skipped`.
    pub state: String,
    /// How far it was told to the outside: `pending`, `delivered` or `rejected`. None: there is nothing to tell.
    pub marked: Option<String>,
    /// When that was decided.
    pub at: Option<Timestamp>,
    /// The message that it rests on, as `topic/partition@offset`. None: a deadline, a condition or a person.
    pub message: Option<String>,
}

/// Which waits are meant.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WaitFilter {
    pub sensor: Option<String>,
    pub state: Option<WaitState>,
}
