//! The outbox as it is shown: marks with what came of them so far, and when they are tried again.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::mark::{MarkId, TaskState};

/// What became of a mark.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum MarkStatus {
    /// To be delivered.
    Pending,
    Delivered,
    /// Never to be delivered as it is.
    Rejected,
    /// A newer state of its task took its place.
    Superseded,
}

impl MarkStatus {
    pub const ALL: [Self; 4] = [Self::Pending, Self::Delivered, Self::Rejected, Self::Superseded];

    /// The word for it in the database and on the terminal.
    pub fn word(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Delivered => "delivered",
            Self::Rejected => "rejected",
            Self::Superseded => "superseded",
        }
    }
}

/// A mark as it is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct StoredMark {
    pub id: MarkId,
    pub sensor: String,
    pub wait: String,
    pub task_id: String,
    pub state: TaskState,
    pub status: MarkStatus,
    /// How often it was tried.
    pub attempts: u32,
    /// When it is tried again. None: at once, or never.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub next_attempt_at: Option<Timestamp>,
    /// Whether an earlier one must go out before it.
    pub behind: bool,
    /// Why the newest attempt failed.
    pub last_error: Option<String>,
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    #[schema(value_type = Option<String>, format = DateTime)]
    pub resolved_at: Option<Timestamp>,
}

/// Which marks are meant.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MarkFilter {
    pub status: Option<MarkStatus>,
    pub sensor: Option<String>,
}
