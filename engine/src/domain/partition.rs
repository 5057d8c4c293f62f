//! Partitions as people see them: how far each was read, and whether it stands still.

use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{dead_letter::DeadLetterKind, message::Partition};

/// How far a partition was read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PartitionStatus {
    #[schema(value_type = String)]
    pub cluster: Arc<str>,
    #[schema(value_type = String)]
    pub topic: Arc<str>,
    /// What Kafka calls the topic, where that is another name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub topic_in_kafka: Option<String>,
    pub partition: i32,
    pub epoch: i64,
    /// The offset to be read next.
    pub next: i64,
    #[schema(value_type = String, format = DateTime)]
    pub updated_at: Timestamp,
    /// So many offsets the log is ahead; none: the log was not asked, or does not answer.
    pub lag: Option<i64>,
    /// Why it stands still; none: it does not.
    pub frozen: Option<Frozen>,
}

impl PartitionStatus {
    pub fn partition(&self) -> Partition {
        let Self { cluster, topic, partition, epoch, .. } = self;
        Partition { cluster: Arc::clone(cluster), topic: Arc::clone(topic), number: *partition, epoch: *epoch }
    }
}

/// The message at which a partition stands still.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Frozen {
    pub offset: i64,
    #[schema(value_type = String, format = DateTime)]
    pub arrival: Timestamp,
    pub kind: DeadLetterKind,
    /// Of a fault its kind.
    pub fault: Option<String>,
    pub reason: String,
    pub matcher: String,
    pub sha256: String,
    #[schema(value_type = String, format = DateTime)]
    pub frozen_at: Timestamp,
}

/// How a frozen partition is released.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Release {
    /// The message is judged again.
    Unfreeze,
    /// The message is set aside.
    Skip,
}

impl Release {
    pub fn word(self) -> &'static str {
        match self {
            Self::Unfreeze => "partition unfreeze",
            Self::Skip => "partition skip",
        }
    }
}
