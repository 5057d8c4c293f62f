//! Marks: what is to be told to an outside system about a task, and what came of it.

use jiff::{Timestamp, civil::Date};

use super::{message::Position, ordering::OrderingKey, recording::Carried, target::Target, wait::WaitId};

/// The store's number of a mark; the idempotency key outside, together with the store's identity.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize, utoipa::ToSchema,
)]
#[serde(transparent)]
pub struct MarkId(pub i64);

/// The state that a task is set to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum TaskState {
    Success,
    Failed,
    Skipped,
}

impl TaskState {
    /// The word for it in databases and outside systems.
    pub fn word(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Failed => "failed",
            Self::Skipped => "skipped",
        }
    }

    pub fn from_word(word: &str) -> Option<Self> {
        [Self::Success, Self::Failed, Self::Skipped].into_iter().find(|state| state.word() == word)
    }
}

/// What is marked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MarkKind {
    /// A task that messages are wanted for.
    Task,
    /// The task that stands for the whole wait. It goes out when none of the others is pending.
    Gate,
    /// No task: what the adapter does once when the wait is complete, as late as the gate.
    OnComplete,
}

impl MarkKind {
    pub const ALL: [Self; 3] = [Self::Task, Self::Gate, Self::OnComplete];

    /// The word for it in databases.
    pub fn word(self) -> &'static str {
        match self {
            Self::Task => "task",
            Self::Gate => "gate",
            Self::OnComplete => "on-complete",
        }
    }
}

/// Sets one task of one wait to a state.
#[derive(Debug, Clone, PartialEq)]
pub struct Mark {
    pub id: MarkId,
    pub sensor: String,
    pub wait_id: WaitId,
    /// The wait's name: its first business day where it opened with a window.
    pub wait: String,
    pub business_date: Date,
    pub task_id: String,
    pub kind: MarkKind,
    pub state: TaskState,
    /// Where the tasks of the wait are.
    pub target: Target,
    /// Until when a task that is not there yet may come into being: the end of the wait's windows, or its deadline.
    pub expected_until: Timestamp,
    /// None: nobody's message, but a deadline or a person.
    pub evidence: Option<Evidence>,
    /// How often it was tried before.
    pub attempts: u32,
    /// None: it goes out in no order.
    pub ordering_key: Option<OrderingKey>,
}

impl Mark {
    /// The same for every attempt, and among all stores for no other mark.
    pub fn idempotency_key(&self, store: &str) -> String {
        format!("{store}-{}", self.id.0)
    }

    /// Whether it may not go out while the other one does.
    pub fn is_bound_to(&self, other: &Self) -> bool {
        let is_of_task = self.wait_id == other.wait_id && self.task_id == other.task_id;
        is_of_task || self.ordering_key.is_some_and(|key| other.ordering_key == Some(key))
    }
}

/// The message that a mark rests on.
#[derive(Debug, Clone, PartialEq)]
pub struct Evidence {
    pub position: Position,
    pub matcher: String,
    pub sha256: String,
    /// When it says it happened, where it says so.
    pub event_time: Option<Timestamp>,
    pub arrival: Timestamp,
    /// Its key and its trace.
    pub carried: Carried,
}

/// What came of one attempt to deliver a mark.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The outside system holds the state.
    Delivered,
    /// Not now: tried again at this time.
    Retry { at: Timestamp, reason: String },
    /// Never: kept with its reason.
    Rejected { reason: String },
}
