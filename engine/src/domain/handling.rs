//! What people decide by hand on a task of a wait: that it is done, that it is not, or that nobody waits for it.

/// What somebody decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Handling {
    /// The task is as good as received.
    Mark,
    /// What was received or decided until now does not count.
    Unmark,
    /// Nobody waits for it in this wait.
    Skip,
}

impl Handling {
    pub const ALL: [Self; 3] = [Self::Mark, Self::Unmark, Self::Skip];

    pub fn word(self) -> &'static str {
        match self {
            Self::Mark => "mark",
            Self::Unmark => "unmark",
            Self::Skip => "skip",
        }
    }

    /// How the audit names it.
    pub fn audited(self) -> &'static str {
        match self {
            Self::Mark => "task mark",
            Self::Unmark => "task unmark",
            Self::Skip => "task skip",
        }
    }
}

/// A task of a wait that somebody decides on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HandledTask {
    pub sensor: String,
    pub wait: String,
    pub task_id: String,
    pub handling: Handling,
    pub reason: Option<String>,
}

/// Why nothing was decided.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HandlingError {
    #[error("there is no sensor `{0}` (hint: `eventlatch status`)")]
    NoSuchSensor(String),
    #[error("the sensor `{sensor}` has no wait `{wait}` (hint: `eventlatch wait list {sensor}`)")]
    NoSuchWait { sensor: String, wait: String },
    #[error("no wanted message of the sensor `{sensor}` has the task `{task_id}`")]
    NoSuchTask { sensor: String, task_id: String },
    #[error("the wait `{wait}` of the sensor `{sensor}` is cancelled: nothing can be decided on it any more")]
    Cancelled { sensor: String, wait: String },
}
