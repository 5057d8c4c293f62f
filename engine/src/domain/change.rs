//! What has just changed, for whoever follows the service: told after it is kept, and numbered.

use std::{fmt, str::FromStr};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{dead_letter::DeadLetterKind, generation::GenerationState, mark::TaskState, wait::WaitState};

/// What has changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Change {
    /// A sensor was defined, redefined, retired, paused, or goes on.
    SensorChanged {
        sensor: String,
        what: SensorChange,
    },
    /// A wait was opened, or waits again after it had ended.
    WaitOpened {
        sensor: String,
        wait: String,
    },
    /// A task of a wait has another state.
    TaskMarked {
        sensor: String,
        wait: String,
        task_id: String,
        state: TaskState,
    },
    WaitEnded {
        sensor: String,
        wait: String,
        state: WaitState,
    },
    /// A wait has ended, and what is to be told of it to the outside was delivered or rejected.
    WaitSettled {
        sensor: String,
        wait: String,
        state: WaitState,
    },
    /// A build of a matcher serves, or serves no longer, or was refused.
    MatcherChanged {
        matcher: String,
        sha256: String,
        state: GenerationState,
    },
    /// A message was set aside.
    DeadLetter {
        topic: String,
        partition: i32,
        offset: i64,
        matcher: String,
        cause: DeadLetterKind,
    },
    /// A partition stands still at a message, until somebody releases it.
    PartitionFrozen {
        topic: String,
        partition: i32,
        offset: i64,
        matcher: String,
        cause: DeadLetterKind,
    },
    /// A frozen partition goes on at an offset.
    PartitionReleased {
        topic: String,
        partition: i32,
        offset: i64,
    },
}

/// What became of a sensor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum SensorChange {
    Added,
    Changed,
    Retired,
    Paused,
    Resumed,
}

impl Change {
    /// The name of its kind.
    pub fn word(&self) -> &'static str {
        match self {
            Self::SensorChanged { .. } => "sensor-changed",
            Self::WaitOpened { .. } => "wait-opened",
            Self::TaskMarked { .. } => "task-marked",
            Self::WaitEnded { .. } => "wait-ended",
            Self::WaitSettled { .. } => "wait-settled",
            Self::MatcherChanged { .. } => "matcher-changed",
            Self::DeadLetter { .. } => "dead-letter",
            Self::PartitionFrozen { .. } => "partition-frozen",
            Self::PartitionReleased { .. } => "partition-released",
        }
    }

    /// The sensor that it is about, if it is about one.
    pub fn sensor(&self) -> Option<&str> {
        match self {
            Self::SensorChanged { sensor, .. }
            | Self::WaitOpened { sensor, .. }
            | Self::TaskMarked { sensor, .. }
            | Self::WaitEnded { sensor, .. }
            | Self::WaitSettled { sensor, .. } => Some(sensor),
            Self::MatcherChanged { .. }
            | Self::DeadLetter { .. }
            | Self::PartitionFrozen { .. }
            | Self::PartitionReleased { .. } => None,
        }
    }
}

/// A change with its number and when it was told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToldChange {
    pub id: ChangeId,
    pub at: Timestamp,
    pub change: Change,
}

/// The number of a change: it counts from 1 in each run of the service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChangeId {
    /// When the run began, in milliseconds since 1970.
    pub run: i64,
    pub number: u64,
}

impl fmt::Display for ChangeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.run, self.number)
    }
}

/// A text that is no number of a change.
#[derive(Debug, thiserror::Error)]
#[error("`{0}` is no id of a change (hint: give the id of the last event that was received)")]
pub struct NotAChangeId(String);

impl FromStr for ChangeId {
    type Err = NotAChangeId;

    fn from_str(text: &str) -> Result<Self, NotAChangeId> {
        let parsed = || {
            let (run, number) = text.split_once('-')?;
            Some(Self { run: run.parse().ok()?, number: number.parse().ok()? })
        };
        parsed().ok_or_else(|| NotAChangeId(text.to_owned()))
    }
}
