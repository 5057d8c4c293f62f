//! A wait as it is shown to people and programs.

use jiff::{Timestamp, civil::Date};
use serde::{Deserialize, Serialize};

use super::{WaitId, WaitState};
use crate::domain::target::Target;

/// Everything about a wait.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct WaitDetail {
    pub id: WaitId,
    pub sensor: String,
    pub name: String,
    /// Says which windows count.
    #[schema(value_type = String, format = Date)]
    pub business_date: Date,
    pub state: WaitState,
    #[schema(value_type = String, format = DateTime)]
    pub opened_at: Timestamp,
    /// When it gives up, as it is now. None: not before something else happens.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub deadline: Option<Timestamp>,
    #[schema(value_type = Option<String>, format = DateTime)]
    pub ended_at: Option<Timestamp>,
    /// `fail` or `skip`.
    pub on_timeout: String,
    /// `ignore` or `heal`.
    pub late: String,
    /// Whether it has ended, and nothing of it is to be told to the outside any more.
    pub settled: bool,
    /// Where its tasks are outside: the sensor's with the wait's own laid over it.
    #[schema(value_type = Object)]
    pub target: Target,
    /// In the order of the sensor's definition.
    pub tasks: Vec<TaskDetail>,
}

/// How a task of a wait stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct TaskDetail {
    pub task_id: String,
    /// `pending`, `success`, `failed` or `skipped`.
    pub state: String,
    /// How far it was told to the outside: `pending`, `delivered` or `rejected`. None: there is nothing to tell.
    pub marked: Option<String>,
    /// When that was decided.
    #[schema(value_type = Option<String>, format = DateTime)]
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
